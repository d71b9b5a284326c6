/* La carte de l'explorateur : lit décor et peinture dans le carnet, rend les gestes au noyau. Aucun texte venu des
   données ne passe par innerHTML, sauf la légende, déjà échappée en Python. */
(function () {
  "use strict";
  var racine = null, c = null, decor = null, peinture = null, compte = 0;
  var rangs = { decor: null, peinture: null };
  var zones = {}, cercles = {}, rangees = {}, couleurs = "";

  function noeud(id) { return document.getElementById(id); }

  function trouverRacine() {
    try { return window.frameElement.closest(".cafdiag-explorateur"); } catch (refus) { return null; }
  }

  function lire(nom) {
    var porteur = racine.querySelector(".cafdiag-" + nom + " script[data-rang]");
    if (!porteur || porteur.dataset.rang === rangs[nom]) { return null; }
    rangs[nom] = porteur.dataset.rang;
    return porteur.textContent ? JSON.parse(porteur.textContent) : null;
  }

  function dire(geste, code) {
    var champ = racine.querySelector(".cafdiag-pont input");
    if (!champ) { return; }
    /* Le rang rend deux gestes semblables différents : sinon le second ne serait pas transmis. */
    champ.value = JSON.stringify({ geste: geste, code: code, rang: ++compte });
    champ.dispatchEvent(new champ.ownerDocument.defaultView.Event("input", { bubbles: true }));
  }

  function vider() {
    c.eachLayer(function (couche) { c.removeLayer(couche); });
    c._etiquettes.length = 0;
    window.cafdiag.vider(c);
    zones = {};
    cercles = {};
  }

  function infobulle(couche, rang, suivre) {
    var zone = decor.zones[rang], code = zone.c;
    /* Entre un décor et sa peinture, une bulle ouverte n'a que son nom à dire. */
    window.cafdiag.bulle(couche, function () {
      return peinture && peinture.decor === decor.id ? peinture.fiches[rang] : [zone.n];
    }, suivre);
    couche.on("click", function () { dire(peinture ? peinture.geste : "choisir", code); });
    couche.on("mouseover", function () { survoler(code, true); });
    couche.on("mouseout", function () { survoler(code, false); });
    var trace = couche.getElement();
    if (trace) { trace.setAttribute("tabindex", "-1"); trace.dataset.code = code; }
  }

  function survoler(code, oui) {
    if (rangees[code]) { rangees[code].classList.toggle("survol", oui); }
    border(code, oui);
  }

  function border(code, survol) {
    var couche = zones[code];
    if (!couche || !couche._repos) { return; }
    var actif = peinture && peinture.actif === code;
    couche.setStyle(survol || actif ? { weight: actif ? 3.5 : 2.5, color: "#1b2430" } : couche._repos);
    /* Déplacer un tracé entre l'appui et le relâchement ferait perdre le clic : il ne l'est que s'il le faut. */
    var trace = couche.getElement();
    if ((survol || actif) && trace && trace.parentNode.lastChild !== trace) { couche.bringToFront(); }
  }

  function planter() {
    if (!c) {
      c = window.cafdiag.carte("vue", decor.cadre, {});
      /* Le tableau lié cherche déjà, et le panneau choisit déjà. */
      c._outils = false;
    }
    vider();
    c._cadre = decor.cadre;
    c._deplacee = false;
    decor.fonds.forEach(function (fond) { window.cafdiag.zones(c, fond); });
    decor.zones.forEach(function (zone, rang) {
      var couche = L.geoJSON({ type: "Feature", geometry: zone.g, properties: {} },
        { pane: "zones", style: { pane: "zones", color: "#aab4bd", weight: 0.8, fillColor: "#fff", fillOpacity: 1 } });
      couche.eachLayer(function (forme) {
        zones[zone.c] = forme.addTo(c);
        infobulle(forme, rang, true);
      });
    });
    c._limites = [].concat.apply([], decor.zones.map(function (zone) { return window.cafdiag.anneaux(zone.g); }));
    decor.surligne.forEach(function (trait) { window.cafdiag.zones(c, trait); });
    c.invalidateSize({ animate: false, pan: false });
    window.cafdiag.cadrer(c);
  }

  function etiqueter() {
    c.eachLayer(function (couche) { if (couche.options.pane === "etiquettes") { c.removeLayer(couche); } });
    c._etiquettes.length = 0;
    var ronds = peinture.rayons.length > 0;
    c._ronds = ronds ? decor.zones.map(function (zone, rang) { return { p: zone.p, r: peinture.rayons[rang] }; }) : [];
    c._encres = decor.zones.map(function (_, rang) { return ronds ? "" : peinture.styles[peinture.rangs[rang]].encre || ""; });
    var noms = peinture.noms.noms.map(function (nom) {
      var zone = decor.zones[nom.i];
      return Object.assign({ t: zone.t, p: zone.p, v: zone.v }, nom);
    });
    window.cafdiag.etiquettes(c, Object.assign({}, peinture.noms, { noms: noms }));
  }

  /* Deux façons de ranger les lieux : celle qu'on a choisie tient d'un indicateur à l'autre. */
  function offrir() {
    var boite = noeud("classes"), choix = peinture.choix;
    var voulu = Math.max(choix.map(function (k) { return k.c; }).indexOf(couleurs), 0);
    boite.hidden = choix.length < 2;
    boite.replaceChildren();
    if (boite.hidden) { return; }
    boite.appendChild(document.createElement("legend")).textContent = "Couleurs :";
    choix.forEach(function (k, rang) {
      var etiquette = boite.appendChild(document.createElement("label"));
      var bouton = etiquette.appendChild(document.createElement("input"));
      bouton.type = "radio";
      bouton.name = "classes";
      bouton.checked = rang === voulu;
      etiquette.append(" " + k.c);
      bouton.addEventListener("change", function () {
        couleurs = k.c;
        peindre();
        noeud("classes").querySelectorAll("input")[rang].focus();
      });
    });
    peinture.styles = choix[voulu].styles;
    peinture.rangs = choix[voulu].rangs;
    peinture.legende = choix[voulu].legende;
  }

  function peindre() {
    offrir();
    var ronds = peinture.rayons.length > 0;
    Object.keys(cercles).forEach(function (code) { c.removeLayer(cercles[code]); });
    cercles = {};
    decor.zones.forEach(function (zone, rang) {
      var style = peinture.styles[peinture.rangs[rang]];
      zones[zone.c]._repos = ronds ? { color: "#aab4bd", weight: 0.8 } : { color: style.color, weight: style.weight };
      zones[zone.c].setStyle(ronds ? { color: "#aab4bd", weight: 0.8, fillColor: "#ffffff", fillOpacity: 1 } : style);
    });
    if (ronds) {
      decor.zones.map(function (_, rang) { return rang; })
        .sort(function (a, b) { return peinture.rayons[b] - peinture.rayons[a]; })
        .forEach(function (rang) {
          var zone = decor.zones[rang];
          cercles[zone.c] = L.circleMarker(zone.p, Object.assign(
            { pane: "cercles", radius: peinture.rayons[rang] }, peinture.styles[peinture.rangs[rang]])).addTo(c);
          infobulle(cercles[zone.c], rang, false);
        });
    }
    if (peinture.actif) { border(peinture.actif, false); }
    etiqueter();
    ecrire();
    tabler();
  }

  function ecrire() {
    noeud("titre").textContent = peinture.titre;
    noeud("sous-titre").textContent = peinture.sous_titre;
    noeud("source").textContent = peinture.source;
    noeud("texte").textContent = peinture.texte;
    noeud("legende").innerHTML = peinture.legende;
    noeud("vue").setAttribute("aria-label", "Carte interactive : " + peinture.titre);
  }

  function tabler() {
    var corps = noeud("lignes"), tenu = document.activeElement && document.activeElement.dataset.code;
    noeud("titre-tableau").textContent = peinture.tableau.titre;
    noeud("colonne").textContent = peinture.tableau.colonne;
    corps.replaceChildren();
    rangees = {};
    peinture.tableau.lignes.forEach(function (ligne) {
      var rangee = corps.insertRow(), tete = document.createElement("th"), bouton = document.createElement("button");
      var code = ligne[0];
      tete.scope = "row";
      bouton.type = "button";
      bouton.textContent = ligne[1];
      bouton.dataset.code = code;
      if (peinture.geste === "cocher") {
        bouton.setAttribute("aria-pressed", String(peinture.choisies.indexOf(code) >= 0));
      } else if (peinture.actif === code) {
        bouton.setAttribute("aria-current", "true");
        rangee.className = "actif";
      }
      bouton.addEventListener("click", function () { dire(peinture.geste, code); });
      bouton.addEventListener("focus", function () { survoler(code, true); });
      bouton.tabIndex = -1;
      bouton.addEventListener("keydown", aller);
      bouton.addEventListener("blur", function () { survoler(code, false); });
      rangee.addEventListener("mouseenter", function () { survoler(code, true); });
      rangee.addEventListener("mouseleave", function () { survoler(code, false); });
      tete.appendChild(bouton);
      rangee.appendChild(tete);
      var valeur = rangee.insertCell();
      valeur.className = "nombre";
      valeur.textContent = ligne[2];
      rangees[code] = rangee;
      if (tenu === code) { bouton.focus({ preventScroll: true }); }
    });
    var boutons = corps.querySelectorAll("button");
    if (boutons.length) { (rangees[tenu] || rangees[peinture.actif] || corps).querySelector("button").tabIndex = 0; }
    if (peinture.actif && rangees[peinture.actif] && !tenu) {
      var boite = noeud("defilant"), choisie = rangees[peinture.actif];
      boite.scrollTop = Math.max(0, choisie.offsetTop - boite.clientHeight / 2);
    }
  }

  /* Un seul arrêt de tabulation pour tout le tableau ; les flèches vont d'une ligne à l'autre. */
  function aller(geste) {
    var boutons = Array.prototype.slice.call(noeud("lignes").querySelectorAll("button"));
    var rang = boutons.indexOf(geste.currentTarget);
    var vers = { ArrowDown: rang + 1, ArrowUp: rang - 1, Home: 0, End: boutons.length - 1 }[geste.key];
    if (vers === undefined || !boutons[vers]) { return; }
    geste.preventDefault();
    geste.currentTarget.tabIndex = -1;
    boutons[vers].tabIndex = 0;
    boutons[vers].focus();
  }

  /* Le curseur d'ipywidgets est dit « curseur », sans dire de quoi : son étiquette n'est qu'à côté de lui. */
  function nommer() {
    racine.querySelectorAll(".noUi-handle:not([aria-label])").forEach(function (poignee) {
      var etiquette = poignee.closest(".widget-slider").querySelector("label");
      if (etiquette) { poignee.setAttribute("aria-label", etiquette.textContent); }
    });
  }

  function rafraichir() {
    nommer();
    var nouveau = lire("decor"), suite = lire("peinture");
    if (nouveau) { decor = nouveau; planter(); }
    if (suite) { peinture = suite; }
    /* Décor et peinture arrivent l'un après l'autre : on ne peint que sur le bon décor. */
    if ((nouveau || suite) && decor && peinture && peinture.decor === decor.id) { peindre(); }
    document.documentElement.dataset.peint = peinture && decor && peinture.decor === decor.id ? rangs.peinture : "";
  }

  /* Seul dans sa page, et s'il y a la place, le cadre remplit la sienne ; sinon il a la hauteur de sa figure. */
  function ajuster() {
    var plein = racine.classList.contains("cafdiag-seul") && window.parent.matchMedia("(min-width: 1000px)").matches;
    document.documentElement.classList.toggle("plein", plein);
    window.frameElement.style.height = plein ? "100%" : noeud("figure").offsetHeight + 6 + "px";
  }

  /* Entrée voyage avec ce qui est écrit : seule, elle devancerait les dernières lettres d'un noyau occupé. */
  function valider(e) {
    if (e.key !== "Enter" || e.isComposing || !e.target.matches(".cafdiag-recherche input")) { return; }
    e.preventDefault();
    e.target.value += "\u200b";
    e.target.dispatchEvent(new e.target.ownerDocument.defaultView.Event("input", { bubbles: true }));
  }

  function commencer() {
    racine = trouverRacine();
    if (!racine) { window.setTimeout(commencer, 100); return; }
    new window.parent.MutationObserver(rafraichir).observe(racine, { childList: true, subtree: true });
    new ResizeObserver(ajuster).observe(noeud("figure"));
    window.parent.addEventListener("resize", ajuster);
    racine.addEventListener("keydown", valider, true);
    rafraichir();
  }

  commencer();
})();
