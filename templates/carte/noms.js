/* Les noms d'une carte. Ce qui s'écrit d'abord, où un nom peut se poser, à quelle distance : tout vient de couches.py, en
   données, lues aussi par l'image fixe. Ne se décide ici que ce qui dépend du zoom, de la taille de la vue et de la police
   du lecteur, que Python ne connaît pas : parmi ces places, la première qui tient et qui est libre. */
(function () {
  "use strict";
  if (window.cafdiagNoms) { return; }

  var ENCRE = "#1b2430", TOUR_DE_LA_TERRE = 40075017;
  var regle = document.createElement("canvas").getContext("2d");

  function boite(x, y, l, h) { return [x - l / 2, y - h / 2, x + l / 2, y + h / 2]; }

  function touche(a, b) { return a[0] < b[2] && a[2] > b[0] && a[1] < b[3] && a[3] > b[1]; }

  function traverse(a, b, boite) {
    var debut = 0, fin = 1;
    for (var axe = 0; axe < 2; axe += 1) {
      var cle = axe ? "y" : "x", ecart = b[cle] - a[cle], bas = boite[axe] - a[cle], haut = boite[axe + 2] - a[cle];
      if (ecart === 0) {
        if (bas > 0 || haut < 0) { return false; }
      } else {
        debut = Math.max(debut, Math.min(bas / ecart, haut / ecart));
        fin = Math.min(fin, Math.max(bas / ecart, haut / ecart));
        if (debut > fin) { return false; }
      }
    }
    return true;
  }

  /* Les boutons et l'échelle sont déjà sur la carte. */
  function commandes(c) {
    var vue = c.getContainer().getBoundingClientRect();
    return Array.prototype.map.call(c.getContainer().querySelectorAll(".leaflet-control"), function (boite) {
      var r = boite.getBoundingClientRect();
      return [r.left - vue.left, r.top - vue.top, r.right - vue.left, r.bottom - vue.top];
    }).filter(function (r) { return r[2] > r[0]; });
  }

  function placer(c) {
    var vue = c.getSize(), regles = c._regles;
    if (!c._etiquettes.length || vue.x < 40 || vue.y < 40) { return; }
    var etroite = vue.x < 460, metres = TOUR_DE_LA_TERRE / c.options.crs.scale(c.getZoom()), liens = [], poses = {};
    var police = getComputedStyle(c.getContainer()).fontFamily;
    var ronds = c._ronds.map(function (r) { return { p: c.latLngToContainerPoint(r.p), r: r.r }; });
    function enPixels(anneau) {
      var ligne = anneau.map(function (p) { return c.latLngToContainerPoint([p[1], p[0]]); });
      var xs = ligne.map(function (p) { return p.x; }), ys = ligne.map(function (p) { return p.y; });
      ligne.boite = [Math.min.apply(null, xs), Math.min.apply(null, ys), Math.max.apply(null, xs), Math.max.apply(null, ys)];
      return ligne;
    }
    var traits = c._traits.map(enPixels), limites = ronds.length ? c._limites.map(enPixels) : [];
    var prises = commandes(c).concat(c._signes.map(function (s) {
      var m = c.latLngToContainerPoint(s.p).add(s.d);
      return boite(m.x, m.y, regles.signe, regles.signe);
    }));

    function mesurer(lignes, x) {
      regle.font = (x.e.f ? "650 " : "400 ") + x.corps + "px " + police;
      var large = Math.max.apply(null, lignes.map(function (l) { return regle.measureText(l).width; }));
      return { t: lignes, l: large + regles.respiration[0], h: lignes.length * (x.corps + regles.interligne) + regles.respiration[1] };
    }

    /* Dans son lieu, là où la boîte tient à ce zoom ; ou contre son cercle. */
    function directes(x, ici) {
      if (x.e.r !== undefined) {
        return x.e.t.reduce(function (places, lignes) {
          return places.concat(regles.autour.map(function (u) {
            var k = mesurer(lignes, x);
            k.m = ici.add([u[0] * (x.e.r + k.l / 2), u[1] * (x.e.r + k.h / 2)]);
            return k;
          }));
        }, []);
      }
      return (x.e.v || []).map(function (v) {
        return Object.assign(mesurer(x.e.t[v[0]], x), { m: c.latLngToContainerPoint([v[1], v[2]]), place: v });
      }).filter(function (k) { return k.l * metres <= k.place[3] && k.h * metres <= k.place[4]; });
    }

    /* À côté, dans un cartouche relié à son lieu. */
    function ecartees(x, ici) {
      if (ici.x < 0 || ici.y < 0 || ici.x > vue.x || ici.y > vue.y) { return []; }
      var taille = mesurer(x.e.t[x.e.t.length - 1], x), rond = x.e.r || 0, liste = [];
      regles.egards.forEach(function (egard) { regles.distances.forEach(function (d) { x.e.a.forEach(function (angle) {
        var a = angle * Math.PI / 180;
        liste.push({ t: taille.t, degage: egard[0], net: egard[1], lien: ici, l: taille.l + regles.bord[0], h: taille.h + regles.bord[1],
          m: ici.add([Math.cos(a) * (rond + d + taille.l / 2), Math.sin(a) * (rond + d + taille.h / 2)]) });
      }); }); });
      return liste;
    }

    function croise(lignes, place) {
      return lignes.some(function (ligne) {
        return touche(ligne.boite, place) && ligne.some(function (p, i) { return i && traverse(ligne[i - 1], p, place); });
      });
    }

    function libre(k, x, ici) {
      var place = boite(k.m.x, k.m.y, k.l, k.h), net = !k.lien || k.net;
      if (place[0] < 0 || place[1] < 0 || place[2] > vue.x || place[3] > vue.y) { return false; }
      if (prises.some(function (p) { return touche(place, p); })) { return false; }
      if (net && liens.some(function (lien) { return traverse(lien[0], lien[1], place); })) { return false; }
      var surUnRond = ronds.some(function (r) {
        return (k.lien || r.p.distanceTo(ici) > 0.5) && touche(place, [r.p.x - r.r, r.p.y - r.r, r.p.x + r.r, r.p.y + r.r]);
      });
      if (k.degage && (surUnRond || croise(traits, place))) { return false; }
      if (k.degage && ronds.some(function (r) {
        var rond = [r.p.x - r.r, r.p.y - r.r, r.p.x + r.r, r.p.y + r.r];
        return !touche(rond, [ici.x, ici.y, ici.x, ici.y]) && traverse(ici, k.m, rond);
      })) { return false; }
      if (k.lien) { return !net || !prises.some(function (p) { return traverse(ici, k.m, p); }); }
      if (x.e.r === undefined) { return true; }
      if (surUnRond) { return false; }
      /* Les lettres seules, sans le blanc qui les entoure, ne passent pas la limite d'un lieu. */
      return !croise(traits, place) && !croise(limites, boite(k.m.x, k.m.y, k.l - regles.respiration[0], k.h - regles.respiration[1]));
    }

    function poser(x, lignes, m, ici) {
      var encre = c._encres[x.e.i] || "";
      x.marque.setLatLng(c.containerPointToLatLng(m));
      x.texte.textContent = lignes.join("\n");
      x.texte.style.fontSize = x.corps + "px";
      x.texte.style.lineHeight = (x.corps + regles.interligne) + "px";
      x.texte.style.color = ici ? ENCRE : encre || ENCRE;
      x.texte.className = ici ? "cartouche" : encre ? "sur-aplat" : "";
      x.trait.style.display = ici ? "" : "none";
      if (ici) {
        var d = ici.subtract(m);
        x.trait.style.width = Math.sqrt(d.x * d.x + d.y * d.y) + "px";
        x.trait.style.transform = "rotate(" + Math.atan2(d.y, d.x) + "rad)";
      }
      x.pose = { lignes: lignes, ici: ici };
    }

    c._essais.forEach(function (essai) {
      for (var rang = essai[0]; rang < essai[1]; rang += 1) {
        var x = c._etiquettes[rang];
        if (poses[rang]) { continue; }
        x.corps = regles.corps[x.e.f ? 1 : 0] - (etroite ? 1 : 0);
        var ici = c.latLngToContainerPoint(x.e.p), liste = essai[2] ? ecartees(x, ici) : directes(x, ici);
        var k = liste.find(function (place) { return libre(place, x, ici); });
        if (!k) { continue; }
        prises.push(boite(k.m.x, k.m.y, k.l, k.h));
        if (k.lien) { liens.push([ici, k.m]); }
        poser(x, k.t, k.m, k.lien ? ici : null);
        x.marque.setZIndexOffset(k.lien && !k.net ? -10000 : 0);
        poses[rang] = true;
      }
    });
    c._etiquettes.forEach(function (x, rang) {
      x.boite.style.visibility = poses[rang] ? "" : "hidden";
      if (!poses[rang]) { x.pose = null; }
    });
  }

  window.cafdiagNoms = placer;
})();
