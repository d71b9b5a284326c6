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
    cadrer(c);
    c.on("dragstart zoomstart", function () { if (!c._automatique) { c._deplacee = true; } });
    c.on("zoomend moveend resize", function () { desserrer(c); });
    if (window.ResizeObserver) { new ResizeObserver(function () { recaler(c); }).observe(vue); }
    cartes.push(c);
    return c;
  }

  function fiche(lignes, pied) {
    var bloc = document.createElement("div");
    lignes.concat(pied || []).forEach(function (texte, rang) {
      var ligne = document.createElement(rang ? "div" : "strong");
      ligne.textContent = texte;
      bloc.appendChild(ligne);
    });
    return bloc;
  }

  function bulle(couche, lignes, pied, suivre) {
    couche.bindTooltip(function () { return fiche(lignes, pied); },
      { sticky: suivre, className: "carte-bulle", direction: "auto", opacity: 1 });
  }

  /* Chromium arrête la touche Tab sur tout tracé qui a une infobulle : 900 communes feraient 900 arrêts. Le même
     contenu se lit au clavier dans « La carte en toutes lettres ». */
  function horsTabulation(couche) {
    var trace = couche.getElement();
    if (trace) { trace.setAttribute("tabindex", "-1"); }
  }

  function zones(c, o) {
    L.geoJSON(o.entites.map(function (e) { return { type: "Feature", geometry: e.g, properties: e }; }), {
      pane: o.plan, interactive: o.interactif,
      style: function (f) { return Object.assign({ pane: o.plan }, o.styles[f.properties.s]); },
      onEachFeature: function (f, couche) {
        var lignes = f.properties.l;
        if (!lignes) { return; }
        bulle(couche, lignes, o.pied, true);
        var style = o.styles[f.properties.s];
        couche.on("mouseover", function () { couche.setStyle({ weight: 2.5, color: "#1b2430" }).bringToFront(); });
        couche.on("mouseout", function () { couche.setStyle({ weight: style.weight, color: style.color }); });
      }
    }).addTo(c).eachLayer(horsTabulation);
  }

  function cercles(c, o) {
    o.entites.forEach(function (e) {
      var rond = L.circleMarker(e.p, Object.assign({ pane: "cercles", radius: e.r }, o.styles[e.s]));
      bulle(rond, e.l, o.pied, false);
      horsTabulation(rond.addTo(c));
    });
  }

  var TRACES = {
    rond: "M8 2a6 6 0 1 0 .01 0z", carre: "M2.5 2.5h11v11h-11z", triangle: "M8 1.5L15 14H1z",
    losange: "M8 .5L15.5 8 8 15.5.5 8z", croix: "M5.5 1h5v4.5H15v5h-4.5V15h-5v-4.5H1v-5h4.5z"
  };

  function signe(forme, couleur) {
    var ns = "http://www.w3.org/2000/svg";
    var dessin = document.createElementNS(ns, "svg");
    dessin.setAttribute("viewBox", "-1 -1 18 18");
    var trace = document.createElementNS(ns, "path");
    trace.setAttribute("d", TRACES[forme]);
    trace.setAttribute("fill", couleur);
    trace.setAttribute("stroke", "#fff");
    trace.setAttribute("stroke-width", "1.5");
    dessin.appendChild(trace);
    return dessin;
  }

  function points(c, o) {
    var places = {};
    o.entites.forEach(function (e) { (places[e.p] = places[e.p] || []).push(e); });
    Object.keys(places).forEach(function (cle) {
      var ensemble = places[cle];
      ensemble.forEach(function (e, rang) {
        /* Plusieurs structures à la même adresse se rangent en couronne : aucune n'en cache une autre. */
        var angle = 2 * Math.PI * rang / ensemble.length;
        var ecart = ensemble.length > 1 ? 5 + 1.5 * ensemble.length : 0;
        var icone = L.divIcon({
          className: "carte-point", html: signe(o.formes[e.s], o.couleurs[e.s]), iconSize: [16, 16],
          iconAnchor: [8 - ecart * Math.cos(angle), 8 - ecart * Math.sin(angle)]
        });
        var marque = L.marker(e.p, { pane: "points", icon: icone, keyboard: false });
        bulle(marque, e.l, o.pied, false);
        marque.addTo(c);
      });
    });
  }

  function etiquettes(c, liste) {
    liste.forEach(function (e) {
      var texte = document.createElement("span");
      texte.textContent = e.t;
      var icone = L.divIcon({ className: "carte-etiquette" + (e.f ? " forte" : ""), html: texte, iconSize: [0, 0], iconAnchor: [0, -e.d] });
      var marque = L.marker(e.p, { pane: "etiquettes", icon: icone, interactive: false, keyboard: false }).addTo(c);
      marque.getElement().setAttribute("aria-hidden", "true");
      c._etiquettes.push(marque.getElement());
    });
    desserrer(c);
  }

  /* Les étiquettes arrivent par importance : celle qui en toucherait une plus importante se tait, comme celle dont
     le lieu est hors de la vue. Au bord, le nom rentre dans la carte plutôt que d'être coupé. */
  function desserrer(c) {
    var prises = [], vue = c.getContainer().getBoundingClientRect(), etroite = vue.width && vue.width < 460;
    var ecart = etroite ? { x: 8, y: 5 } : { x: 4, y: 1 };
    c._etiquettes.forEach(function (boite) {
      var texte = boite.firstChild;
      texte.style.visibility = "";
      texte.style.marginLeft = texte.style.marginTop = "0";
      var r = texte.getBoundingClientRect();
      var coupee = vue.width && (r.right < vue.left || r.left > vue.right || r.bottom < vue.top || r.top > vue.bottom);
      if (vue.width && !coupee) {
        var dx = Math.max(vue.left + 3 - r.left, 0) + Math.min(vue.right - 3 - r.right, 0);
        var dy = Math.max(vue.top + 3 - r.top, 0) + Math.min(vue.bottom - 3 - r.bottom, 0);
        if (dx || dy) {
          texte.style.marginLeft = dx + "px";
          texte.style.marginTop = dy + "px";
          r = texte.getBoundingClientRect();
        }
      }
      var gene = coupee || prises.some(function (p) {
        return r.left < p.right + ecart.x && r.right > p.left - ecart.x &&
          r.top < p.bottom + ecart.y && r.bottom > p.top - ecart.y;
      });
      if (gene) { texte.style.visibility = "hidden"; } else { prises.push(r); }
    });
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
      desserrer(c);
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

  window.cafdiag = { carte: carte, cadrer: cadrer, zones: zones, cercles: cercles, points: points, etiquettes: etiquettes };
})();
