/* La barre d'une carte : choisir l'indicateur et les classes, chercher un lieu, cocher des couches, garder l'image. */
(function () {
  "use strict";
  if (window.cafdiagOutils) { return; }

  var compte = 0;

  function noeud(balise, texte, parent) {
    var rendu = document.createElement(balise);
    if (texte) { rendu.textContent = texte; }
    if (parent) { parent.appendChild(rendu); }
    return rendu;
  }

  function sansAccent(texte) {
    return texte.normalize("NFD").replace(/[\u0300-\u036f]/g, "").replace(/[^a-z0-9]+/gi, " ").trim().toLowerCase();
  }

  function outils(c) {
    var figure = c.getContainer().closest("figure.carte"), barre = document.createElement("div");
    barre.className = "carte-outils";
    compte += 1;
    if (c._peindre) { choisir(c, figure, barre); }
    /* Ensemble, ou ensemble à la ligne : un bouton n'y part jamais seul. */
    var lieux = reperer(c), gestes = noeud("div", "", barre);
    if (lieux.length > 1) { chercher(c, gestes, lieux); }
    if (c._couches.length > 1) { cocher(c, gestes); }
    var bouton = noeud("button", "Enregistrer l'image", gestes);
    bouton.type = "button";
    bouton.addEventListener("click", function () { enregistrer(c, figure); });
    figure.insertBefore(barre, figure.querySelector(".carte-corps"));
    /* La barre prend de la place : un nom placé avant elle l'est encore, la vue n'a pas changé de taille. */
  }

  /* --- Ce que la carte montre --- */

  function choisir(c, figure, barre) {
    var choix = c._peindre.choix, quois = [];
    choix.forEach(function (p, rang) {
      var connu = quois.filter(function (q) { return q.q === p.q; })[0];
      if (!connu) { quois.push(connu = { q: p.q, g: p.g, rangs: [] }); }
      connu.rangs.push(rang);
    });
    var classes = noeud("fieldset", "", barre), voulue = "";
    function montrer(rang) {
      var p = choix[rang];
      c._peindre.peindre(rang);
      figure.querySelectorAll("[data-peinture]").forEach(function (bloc) {
        var sienne = Number(bloc.dataset.peinture), legende = bloc.closest(".carte-legende");
        bloc.hidden = legende ? sienne !== rang : choix[sienne].q !== p.q;
      });
      if (p.t) {
        figure.querySelector("figcaption").firstChild.textContent = p.t;
        figure.querySelector(".carte-source").textContent = p.o;
        figure.querySelector(".carte-texte > p").textContent = p.x;
        c.getContainer().setAttribute("aria-label", "Carte interactive : " + p.t);
      }
      figure.dispatchEvent(new CustomEvent("carte-peinte", { bubbles: true, detail: p }));
    }
    function offrir(quoi) {
      classes.replaceChildren();
      classes.hidden = quoi.rangs.length < 2;
      noeud("legend", "Couleurs :", classes);
      var depart = quoi.rangs.filter(function (r) { return choix[r].c === voulue; })[0];
      if (depart === undefined) { depart = quoi.rangs[0]; }
      quoi.rangs.forEach(function (rang) {
        var etiquette = noeud("label", "", classes), bouton = noeud("input", "", etiquette);
        bouton.type = "radio";
        bouton.name = "classes-" + figure.id;
        bouton.checked = rang === depart;
        etiquette.append(" " + choix[rang].c);
        bouton.addEventListener("change", function () { voulue = choix[rang].c; montrer(rang); });
      });
      return depart;
    }
    if (quois.length > 1) {
      var etiquette = noeud("label", "Indicateur ", null), liste = noeud("select", "", etiquette), groupe = null;
      quois.forEach(function (quoi, rang) {
        if (!groupe || groupe.label !== quoi.g) { groupe = noeud("optgroup", "", liste); groupe.label = quoi.g; }
        var option = noeud("option", quoi.q, groupe);
        option.value = rang;
      });
      liste.addEventListener("change", function () { montrer(offrir(quois[Number(liste.value)])); });
      barre.insertBefore(etiquette, classes);
    }
    offrir(quois[0]);
  }

  /* --- Chercher --- */

  function reperer(c) {
    var vus = {};
    return c._lieux.filter(function (lieu) {
      var clef = lieu.nom + "|" + (lieu.dans || ""), neuf = !vus[clef];
      vus[clef] = true;
      return neuf;
    }).sort(function (a, b) { return a.nom.localeCompare(b.nom, "fr"); });
  }

  function chercher(c, barre, lieux) {
    var etiquette = noeud("label", "Chercher ", barre), champ = noeud("input", "", etiquette);
    var liste = noeud("datalist", "", barre), dit = noeud("output", "", barre);
    champ.type = "search";
    champ.autocomplete = "off";
    champ.placeholder = lieux.some(function (lieu) { return lieu.dans; }) ? "une commune" : "un lieu de la carte";
    liste.id = "lieux-" + compte;
    champ.setAttribute("list", liste.id);
    lieux.forEach(function (lieu) { noeud("option", "", liste).value = lieu.nom; });
    champ.addEventListener("change", function () {
      var voulu = sansAccent(champ.value), trouve = null;
      dit.textContent = "";
      if (!voulu) { return; }
      ["egal", "debut", "dedans"].forEach(function (facon) {
        trouve = trouve || lieux.filter(function (lieu) {
          var nom = sansAccent(lieu.nom), ou = (" " + nom).indexOf(" " + voulu);
          return facon === "egal" ? nom === voulu : facon === "debut" ? ou === 0 : ou >= 0;
        })[0];
      });
      if (!trouve) { dit.textContent = "« " + champ.value + " » n'est pas sur cette carte."; return; }
      dit.textContent = trouve.nom + (trouve.dans ? " : " + trouve.dans : "");
      aller(c, trouve);
    });
  }

  function aller(c, lieu) {
    var forme = lieu.forme ? lieu.forme.getLayers()[0] : lieu.rond;
    c._deplacee = true;
    if (lieu.forme) { c.fitBounds(lieu.forme.getBounds().pad(1.2), { animate: false }); }
    else { c.setView(forme.getLatLng(), Math.max(c.getZoom(), 11.5), { animate: false }); }
    forme.openTooltip(lieu.forme ? lieu.forme.getBounds().getCenter() : forme.getLatLng());
  }

  /* --- Couches --- */

  function cocher(c, barre) {
    var pli = noeud("details", "", barre), cadre = null;
    noeud("summary", "Couches", pli);
    cadre = noeud("div", "", pli);
    c._couches.forEach(function (couche) {
      var etiquette = noeud("label", "", cadre), case_ = noeud("input", "", etiquette);
      case_.type = "checkbox";
      case_.checked = true;
      etiquette.append(" " + couche.nom);
      case_.addEventListener("change", function () {
        if (case_.checked) { couche.groupe.addTo(c); } else { c.removeLayer(couche.groupe); }
        window.cafdiagNoms(c);
      });
    });
    pli.addEventListener("keydown", function (e) { if (e.key === "Escape") { pli.open = false; pli.firstChild.focus(); } });
    document.addEventListener("click", function (e) { if (!pli.contains(e.target)) { pli.open = false; } });
  }

  /* --- L'image --- */

  var NS = "http://www.w3.org/2000/svg", POLICE = "Arial, 'Liberation Sans', Helvetica, sans-serif";

  function svg(balise, attributs, parent) {
    var rendu = document.createElementNS(NS, balise);
    Object.keys(attributs).forEach(function (nom) { rendu.setAttribute(nom, attributs[nom]); });
    parent.appendChild(rendu);
    return rendu;
  }

  /* Ce qui est à l'écran, en SVG : le titre, la vue telle qu'on l'a cadrée, la légende, la source. */
  function image(c, figure) {
    var regle = document.createElement("canvas").getContext("2d"), vue = c.getSize(), colonne = 220, marge = 16;
    var racine = document.createElementNS(NS, "svg"), large = vue.x + colonne + 3 * marge, haut = marge;
    racine.setAttribute("font-family", POLICE);
    var fond = svg("rect", { width: "100%", height: "100%", fill: "#fff" }, racine);
    function ecrire(texte, x, y, largeur, corps, couleur, gras) {
      regle.font = (gras ? "bold " : "") + corps + "px " + POLICE;
      var ligne = "";
      function poser() {
        y += corps * 1.3;
        var t = svg("text", { x: x, y: y - corps * 0.3, "font-size": corps, fill: couleur }, racine);
        if (gras) { t.setAttribute("font-weight", "bold"); }
        t.textContent = ligne;
      }
      texte.split(" ").forEach(function (mot) {
        if (ligne && regle.measureText(ligne + " " + mot).width > largeur) { poser(); ligne = mot; }
        else { ligne = ligne ? ligne + " " + mot : mot; }
      });
      if (ligne) { poser(); }
      return y;
    }
    var titre = figure.querySelector("figcaption"), precision = titre.querySelector("small");
    haut = ecrire(titre.firstChild.textContent, marge, haut, large - 2 * marge, 17, "#1b2430", true);
    if (precision) { haut = ecrire(precision.textContent, marge, haut, large - 2 * marge, 13, "#51606f", false); }
    haut += 8;
    var cadre = svg("svg", { x: marge, y: haut, width: vue.x, height: vue.y, viewBox: "0 0 " + vue.x + " " + vue.y }, racine);
    dessiner(c, figure, cadre, vue);
    svg("rect", { x: marge, y: haut, width: vue.x, height: vue.y, fill: "none", stroke: "#d5dbe1" }, racine);
    var bas = haut, x = vue.x + 2 * marge;
    figure.querySelectorAll(".carte-legende > div").forEach(function (bloc) {
      if (bloc.hidden) { return; }
      bloc.querySelectorAll("p, li").forEach(function (e) {
        var petit = e.querySelector("small"), dessin = e.querySelector("svg"), retrait = dessin ? 34 : 0, depart = bas;
        var mots = e.textContent.slice(0, e.textContent.length - (petit ? petit.textContent.length : 0));
        if (dessin) {
          var copie = dessin.cloneNode(true);
          copie.setAttribute("x", x);
          copie.setAttribute("y", bas + 1);
          racine.appendChild(copie);
          copie.querySelectorAll("text").forEach(function (t) { t.setAttribute("fill", "#1b2430"); });
          if (!e.querySelector("span")) { mots = ""; }
        }
        if (mots.trim()) { bas = ecrire(mots.trim(), x + retrait, bas, colonne - retrait, 12, "#1b2430", !dessin); }
        if (petit) { bas = ecrire(petit.textContent, x + retrait, bas, colonne - retrait, 11, "#51606f", false); }
        bas = Math.max(bas, depart + (dessin ? Number(dessin.getAttribute("height")) + 2 : 0)) + 4;
      });
      bas += 8;
    });
    var source = figure.querySelector(".carte-source");
    haut = Math.max(haut + vue.y, bas) + 6;
    if (source) { haut = ecrire(source.textContent, marge, haut, large - 2 * marge, 11, "#51606f", false); }
    haut += marge;
    racine.setAttribute("xmlns", NS);
    racine.setAttribute("width", large);
    racine.setAttribute("height", haut);
    racine.setAttribute("viewBox", "0 0 " + large + " " + haut);
    return { svg: new XMLSerializer().serializeToString(racine), large: large, haut: haut, fond: fond };
  }

  function dessiner(c, figure, cadre, vue) {
    svg("rect", { width: vue.x, height: vue.y, fill: "#eceff1" }, cadre);
    var motifs = figure.querySelector(".carte-motifs defs");
    if (motifs) { cadre.appendChild(motifs.cloneNode(true)); }
    var origine = c.containerPointToLayerPoint([0, 0]), boite = c.getContainer().getBoundingClientRect();
    var plans = ["fond", "zones", "surbrillance", "cercles"];
    plans.forEach(function (plan) {
      var dessin = c.getPane(plan).querySelector("svg");
      if (!dessin) { return; }
      var groupe = svg("g", { transform: "translate(" + -origine.x + " " + -origine.y + ")" }, cadre);
      dessin.querySelectorAll("path").forEach(function (trace) { groupe.appendChild(trace.cloneNode(false)); });
    });
    c.getPane("points").querySelectorAll(".carte-point svg").forEach(function (signe) {
      var r = signe.getBoundingClientRect(), copie = signe.cloneNode(true);
      Object.entries({ x: r.left - boite.left, y: r.top - boite.top, width: r.width, height: r.height })
        .forEach(function (a) { copie.setAttribute(a[0], a[1]); });
      cadre.appendChild(copie);
    });
    c._etiquettes.forEach(function (nom) {
      if (!nom.pose || !c.hasLayer(nom.marque)) { return; }
      var m = c.latLngToContainerPoint(nom.marque.getLatLng()), r = nom.texte.getBoundingClientRect();
      if (nom.pose.ici) {
        svg("path", { d: "M" + nom.pose.ici.x + " " + nom.pose.ici.y + "L" + m.x + " " + m.y, stroke: "#1b2430" }, cadre);
        svg("rect", { x: r.left - boite.left, y: r.top - boite.top, width: r.width, height: r.height, rx: 2, fill: "#fff",
          stroke: "#51606f" }, cadre);
      }
      nom.pose.lignes.forEach(function (ligne, rang) {
        var y = m.y + (rang - (nom.pose.lignes.length - 1) / 2) * (nom.corps + 2) + nom.corps * 0.35;
        var t = svg("text", { x: m.x, y: y, "font-size": nom.corps, "text-anchor": "middle", fill: nom.texte.style.color }, cadre);
        if (nom.e.f) { t.setAttribute("font-weight", "bold"); }
        if (!nom.texte.className) {
          t.setAttribute("stroke", "#fff");
          t.setAttribute("stroke-width", 3);
          t.setAttribute("paint-order", "stroke");
        }
        t.textContent = ligne;
      });
    });
  }

  function enregistrer(c, figure) {
    var dessin = image(c, figure), photo = new Image();
    photo.onload = function () {
      var toile = document.createElement("canvas");
      toile.width = 2 * dessin.large;
      toile.height = 2 * dessin.haut;
      toile.getContext("2d").drawImage(photo, 0, 0, toile.width, toile.height);
      var lien = document.createElement("a");
      lien.download = "carte-" + sansAccent(figure.querySelector("figcaption").firstChild.textContent)
        .split(" ").slice(0, 6).join("-") + ".png";
      lien.href = toile.toDataURL("image/png");
      lien.click();
    };
    photo.src = "data:image/svg+xml;charset=utf-8," + encodeURIComponent(dessin.svg);
  }

  window.cafdiagOutils = outils;
})();
