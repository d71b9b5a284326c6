/* Dessin des cartes de cafdiag au-dessus de Leaflet. Aucun texte ne passe par innerHTML. */
(function () {
  "use strict";
  if (window.cafdiag) { return; }

  var IMPRIMEE = { largeur: 425, hauteur: 320 };
  var cartes = [];
  var calme = window.matchMedia && window.matchMedia("(prefers-reduced-motion: reduce)").matches;

  /* Un marqueur posé par folium.Marker s'affiche sans aller chercher d'image. */
  L.Icon.Default.imagePath = "";
  L.Icon.Default.mergeOptions({
    iconUrl: "data:image/svg+xml," + encodeURIComponent(
      '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 25 41"><path d="M12.5 40C9 31 1 21 1 12.5a11.5 ' +
      '11.5 0 0 1 23 0C24 21 16 31 12.5 40z" fill="#0d4a7c" stroke="#fff"/><circle cx="12.5" cy="12.5" ' +
      'r="4.5" fill="#fff"/></svg>'),
    iconRetinaUrl: null, shadowUrl: null, shadowSize: [0, 0]
  });

  /* Les plans, du fond vers le dessus : le territoire reste au-dessus de ce qu'on survole. */
  var PLANS = { fond: 380, zones: 400, surbrillance: 420, cercles: 430, points: 440, etiquettes: 450 };

  function cadrer(c) {
    var taille = c.getSize();
    /* Une carte cachée, ou plus étroite que ses marges, n'a pas de cadrage : s'y cadrer la perdrait pour de bon. Elle
       le sera en reparaissant. */
    if (!c._cadre || taille.x < 40 || taille.y < 40) { return; }
    c._automatique = true;
    c.fitBounds(c._cadre, { animate: false, padding: [14, 14] });
    c._automatique = false;
  }

  function recaler(c) {
    c.invalidateSize({ animate: false, pan: false });
    if (!c._deplacee) { cadrer(c); }
  }

  function boutonCadrage(c) {
    var controle = L.control({ position: "topleft" });
    controle.onAdd = function () {
      var boite = L.DomUtil.create("div", "leaflet-bar");
      var bouton = L.DomUtil.create("button", "carte-recadrer", boite);
      bouton.type = "button";
      bouton.title = "Revenir à la vue d'ensemble";
      bouton.setAttribute("aria-label", bouton.title);
      bouton.textContent = "\u2922";
      L.DomEvent.disableClickPropagation(boite);
      L.DomEvent.on(bouton, "click", function () { c._deplacee = false; cadrer(c); });
      return boite;
    };
    controle.addTo(c);
  }

  /* Ce que la carte sait d'elle-même : ses couches à cocher, ses lieux à chercher, ce qu'un nom ne doit pas toucher. */
  function vider(c) { c._couches = []; c._lieux = []; c._ronds = []; c._signes = []; c._traits = []; c._limites = []; c._encres = []; c._peindre = null; }

  function couche(c, nom, groupe) {
    groupe.addTo(c);
    if (nom) { c._couches.push({ nom: nom, groupe: groupe }); }
    return groupe;
  }

  function carte(id, cadre, options) {
    var vue = document.getElementById(id);
    var c = L.map(id, Object.assign({
      attributionControl: false, zoomControl: false, zoomSnap: 0, zoomDelta: 0.5, zoom: 9, center: [46.6, 2.4],
      scrollWheelZoom: false, dragging: !L.Browser.mobile, fadeAnimation: false, zoomAnimation: !calme
    }, options));
    /* Leaflet prend le clavier à l'appui : dans un cadre, la page défilerait sous la souris et le clic serait perdu. */
    vue.focus = function () { HTMLElement.prototype.focus.call(vue, { preventScroll: true }); };
    Object.keys(PLANS).forEach(function (nom) { c.createPane(nom).style.zIndex = PLANS[nom]; });
    c.getPane("surbrillance").style.pointerEvents = "none";
    c.getPane("etiquettes").style.pointerEvents = "none";
    L.control.zoom({ zoomInTitle: "Agrandir", zoomOutTitle: "Réduire" }).addTo(c);
    boutonCadrage(c);
    L.control.scale({ imperial: false, metric: true }).addTo(c);
    c._cadre = cadre;
    c._etiquettes = [];
    vider(c);
    cadrer(c);
    c.on("dragstart zoomstart", function () { if (!c._automatique) { c._deplacee = true; } });
    c.on("zoomend moveend resize", function () { window.cafdiagNoms(c); });
    if (window.ResizeObserver) { new ResizeObserver(function () { recaler(c); }).observe(vue); }
    cartes.push(c);
    /* Les couches arrivent juste après : les outils attendent qu'elles soient là. */
    window.setTimeout(function () { if (vue.closest("figure.carte") && c._outils !== false) { window.cafdiagOutils(c); } }, 0);
    return c;
  }

  function fiche(lignes) {
    var bloc = document.createElement("div");
    lignes.forEach(function (texte, rang) {
      var ligne = document.createElement(rang ? "div" : "strong");
      ligne.textContent = texte;
      bloc.appendChild(ligne);
    });
    return bloc;
  }

  /* Leaflet laisse l'infobulle sortir du cadre, où elle est coupée : on la ramène dedans. */
  function tenir(c, infobulle) {
    var boite = infobulle.getElement();
    if (!boite) { return; }
    boite.style.maxWidth = Math.max(c.getSize().x - 16, 80) + "px";
    boite.style.marginLeft = boite.style.marginTop = "";
    var vue = c.getContainer().getBoundingClientRect(), r = boite.getBoundingClientRect();
    var dx = Math.max(vue.left + 4 - r.left, 0) + Math.min(vue.right - 4 - r.right, 0);
    var dy = Math.max(vue.top + 4 - r.top, 0) + Math.min(vue.bottom - 4 - r.bottom, 0);
    var style = getComputedStyle(boite);
    if (dx) { boite.style.marginLeft = parseFloat(style.marginLeft) + dx + "px"; }
    if (dy) { boite.style.marginTop = parseFloat(style.marginTop) + dy + "px"; }
    boite.classList.toggle("decalee", Boolean(dx || dy));
  }

  function bulle(couche, lignes, suivre) {
    couche.bindTooltip(function () { return fiche(typeof lignes === "function" ? lignes() : lignes); },
      { sticky: suivre, className: "carte-bulle", direction: "auto", opacity: 1 });
    couche.on("tooltipopen mousemove", function () {
      var infobulle = couche.getTooltip();
      if (couche._map && infobulle && infobulle.isOpen()) { tenir(couche._map, infobulle); }
    });
  }

  /* Chromium arrête la touche Tab sur tout tracé qui a une infobulle : 900 communes feraient 900 arrêts. Le même
     contenu se lit au clavier dans « La carte en toutes lettres ». */
  function horsTabulation(couche) {
    var trace = couche.getElement();
    if (trace) { trace.setAttribute("tabindex", "-1"); }
  }

  function zones(c, o) {
    var groupe = couche(c, o.nom, L.layerGroup()), formes = [], rangs = o.entites.map(function (e) { return e.s; });
    var styles = o.styles, lignes = o.entites.map(function (e) { return e.l; }), ronds = [];
    o.entites.forEach(function (e, rang) {
      var forme = L.geoJSON({ type: "Feature", geometry: e.g, properties: {} }, {
        pane: o.plan, interactive: o.interactif, style: Object.assign({ pane: o.plan }, styles[e.s])
      });
      forme.eachLayer(function (trace) {
        if (e.l) {
          bulle(trace, function () { return lignes[rang]; }, true);
          trace.on("mouseover", function () { forme.setStyle({ weight: 2.5, color: ENCRE }).bringToFront(); });
          trace.on("mouseout", function () { forme.setStyle({ weight: repos(rang).weight, color: repos(rang).color }); });
        }
      });
      groupe.addLayer(forme);
      forme.eachLayer(horsTabulation);
      formes.push(forme);
      if (o.plan === "zones" && e.l) { c._lieux.push({ nom: e.l[0], forme: forme }); }
      if (o.trait) { anneaux(e.g).forEach(function (a) { c._traits.push(a); }); }
      if (o.plan === "zones") { anneaux(e.g).forEach(function (a) { c._limites.push(a); }); }
    });

    (o.lieux || []).forEach(function (l) {
      c._lieux.push({ nom: l[0], forme: formes[l[1]], dans: o.entites[l[1]].l[0] });
    });

    function repos(rang) { return ronds.length ? SOUS_CERCLES : styles[rangs[rang]]; }

    function peindre(rang) {
      var p = o.peintures[rang];
      styles = p.styles || o.styles;
      rangs = p.rangs || o.entites.map(function (e) { return e.s; });
      lignes = p.l || o.entites.map(function (e) { return e.l; });
      ronds.forEach(function (rond) { groupe.removeLayer(rond); });
      c._ronds = [];
      ronds = (p.r || []).map(function (rayon, i) {
        var point = (c._etiquettes.filter(function (x) { return x.e.i === i; })[0] || {}).e.p;
        var rond = L.circleMarker(point, Object.assign({ pane: "cercles", radius: rayon }, styles[rangs[i]]));
        bulle(rond, function () { return lignes[i]; }, false);
        horsTabulation(groupe.addLayer(rond) && rond);
        return rond;
      });
      formes.forEach(function (forme, i) { forme.setStyle(repos(i)); });
      c._etiquettes.forEach(function (x) { if (p.r) { x.e.r = p.r[x.e.i]; } else if (o.peintures.some(function (q) { return q.r; })) { delete x.e.r; } });
      if (p.r) { c._ronds = p.r.map(function (rayon, i) { return { p: ronds[i].getLatLng(), r: rayon }; }); }
      encrer();
      window.cafdiagNoms(c);
    }

    function encrer() {
      if (o.plan === "zones") { c._encres = rangs.map(function (_, i) { return repos(i).encre || ""; }); }
    }
    encrer();
    if (o.peintures) { c._peindre = { choix: o.peintures, peindre: peindre }; }
  }

  var ENCRE = "#1b2430", SOUS_CERCLES = { color: "#aab4bd", weight: 0.8, fillColor: "#ffffff", fillOpacity: 1 };

  function anneaux(g) {
    if (g.type === "GeometryCollection") { return g.geometries.reduce(function (tous, m) { return tous.concat(anneaux(m)); }, []); }
    if (g.type === "MultiPolygon") { return g.coordinates.reduce(function (tous, m) { return tous.concat(m); }, []); }
    return g.type === "LineString" ? [g.coordinates] : g.coordinates;
  }

  function cercles(c, o) {
    var groupe = couche(c, o.nom, L.layerGroup());
    o.entites.forEach(function (e) {
      var rond = L.circleMarker(e.p, Object.assign({ pane: "cercles", radius: e.r }, o.styles[e.s]));
      bulle(rond, e.l, false);
      groupe.addLayer(rond);
      horsTabulation(rond);
      c._ronds.push({ p: e.p, r: e.r });
      c._lieux.push({ nom: e.l[0], rond: rond });
    });
  }

  function signe(forme, couleur) {
    var ns = "http://www.w3.org/2000/svg";
    var dessin = document.createElementNS(ns, "svg");
    dessin.setAttribute("viewBox", "-1 -1 18 18");
    var trace = document.createElementNS(ns, "path");
    trace.setAttribute("d", forme);
    trace.setAttribute("fill", couleur);
    trace.setAttribute("stroke", "#fff");
    trace.setAttribute("stroke-width", "1.5");
    dessin.appendChild(trace);
    return dessin;
  }

  function points(c, o) {
    var groupes = o.formes.map(function (_, rang) { return couche(c, o.noms && o.noms[rang], L.layerGroup()); });
    o.entites.forEach(function (e) {
      var ecart = e.d || [0, 0];
      var icone = L.divIcon({
        className: "carte-point", html: signe(o.formes[e.s], o.couleurs[e.s]), iconSize: [16, 16],
        iconAnchor: [8 - ecart[0], 8 - ecart[1]]
      });
      var marque = L.marker(e.p, { pane: "points", icon: icone, keyboard: false });
      bulle(marque, e.l, false);
      groupes[e.s].addLayer(marque);
      c._signes.push({ p: e.p, d: ecart });
    });
  }

  function etiquettes(c, o) {
    var groupe = couche(c, c._couches.some(function (k) { return k.nom === "Noms"; }) ? "" : "Noms", L.layerGroup());
    c._regles = o.regles;
    c._essais = o.essais;
    o.noms.forEach(function (e) {
      var boite = document.createElement("div"), trait = document.createElement("i"), texte = document.createElement("span");
      boite.append(trait, texte);
      var icone = L.divIcon({ className: "carte-etiquette" + (e.f ? " forte" : ""), html: boite, iconSize: [0, 0] });
      var marque = L.marker(e.p, { pane: "etiquettes", icon: icone, interactive: false, keyboard: false });
      groupe.addLayer(marque);
      marque.on("add", function () { marque.getElement().setAttribute("aria-hidden", "true"); });
      marque.getElement().setAttribute("aria-hidden", "true");
      c._etiquettes.push({ e: e, marque: marque, boite: boite, trait: trait, texte: texte });
    });
    window.cafdiagNoms(c);
  }

  /* La feuille est plus étroite que l'écran : la carte est recadrée le temps de l'impression. */
  window.addEventListener("beforeprint", function () {
    cartes.forEach(function (c) {
      var vue = c.getContainer();
      c._ecran = { style: vue.style.cssText, centre: c.getCenter(), zoom: c.getZoom() };
      vue.style.flex = "none";
      vue.style.width = IMPRIMEE.largeur + "px";
      vue.style.height = Math.min(vue.offsetHeight, IMPRIMEE.hauteur) + "px";
      c.invalidateSize({ animate: false, pan: false });
      cadrer(c);
      window.cafdiagNoms(c);
    });
  });
  window.addEventListener("afterprint", function () {
    cartes.forEach(function (c) {
      var vue = c.getContainer();
      vue.style.cssText = c._ecran.style;
      c.invalidateSize({ animate: false, pan: false });
      c._automatique = true;
      c.setView(c._ecran.centre, c._ecran.zoom, { animate: false });
      c._automatique = false;
    });
  });

  /* Dans un carnet, la carte vit dans un cadre : elle lui donne sa hauteur. */
  window.addEventListener("load", function () {
    try {
      if (window.frameElement && window.frameElement.hasAttribute("data-cafdiag")) {
        window.frameElement.style.height = document.documentElement.offsetHeight + 4 + "px";
      }
    } catch (refus) { /* cadre d'une autre origine : la hauteur prévue suffit */ }
  });

  window.cafdiag = { anneaux: anneaux, carte: carte, vider: vider, bulle: bulle, cadrer: cadrer, zones: zones, cercles: cercles, points: points, etiquettes: etiquettes };
})();
