/* Vue départementale : trier le tableau. Sans script, il reste dans son ordre. */
(function () {
  "use strict";
  var tableau = document.querySelector("table.triable");
  if (!tableau) { return; }
  var annonce = document.getElementById("tri-annonce");
  function cle(ligne, colonne) {
    var brut = ligne.cells[colonne].getAttribute("data-tri");
    if (brut === null) { return null; }
    return colonne ? Number(brut) : brut;
  }
  tableau.querySelectorAll("thead button").forEach(function (bouton) {
    bouton.addEventListener("click", function () {
      var entete = bouton.closest("th"), colonne = entete.cellIndex;
      var neuf = entete.getAttribute("aria-sort");
      var croissant = neuf === "none" ? colonne === 0 : neuf === "descending";
      tableau.querySelectorAll("thead th").forEach(function (th) { th.setAttribute("aria-sort", "none"); });
      entete.setAttribute("aria-sort", croissant ? "ascending" : "descending");
      var corps = tableau.tBodies[0];
      Array.from(corps.rows).map(function (ligne, rang) { return { ligne: ligne, rang: rang, cle: cle(ligne, colonne) }; })
        .sort(function (a, b) {
          /* Un manquant va à la fin dans les deux sens : il n'est ni grand ni petit. */
          if (a.cle === null || b.cle === null) { return (a.cle === null) - (b.cle === null) || a.rang - b.rang; }
          var sens = a.cle < b.cle ? -1 : a.cle > b.cle ? 1 : 0;
          return (croissant ? sens : -sens) || a.rang - b.rang;
        }).forEach(function (e) { corps.appendChild(e.ligne); });
      annonce.textContent = "Tableau trié : " + bouton.textContent.trim() +
        (croissant ? ", du plus petit au plus grand." : ", du plus grand au plus petit.");
    });
  });
})();
