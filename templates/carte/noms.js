/* Les noms d'une carte : les mêmes règles, dans le même ordre, que noms_des_cartes.py. Un nom tient dans son contour,
   ou se tait ; le territoire et les extrêmes s'écrivent toujours, au besoin dans un cartouche relié à leur lieu. */
(function () {
  "use strict";
  if (window.cafdiagNoms) { return; }

  var DIRECTIONS = [-90, 90, 0, 180, -45, -135, 45, 135];
  var DISTANCES = [14, 30, 50, 75, 105, 140, 180];
  var ENCRE = "#1b2430";
  var regle = document.createElement("canvas").getContext("2d");

  function taille(lignes, x) {
    regle.font = (x.e.f ? "650 " : "400 ") + x.corps + "px " + x.police;
    var large = Math.max.apply(null, lignes.map(function (l) { return regle.measureText(l).width; }));
    return { l: large + 6, h: lignes.length * (x.corps + 2) + 2 };
  }

  /* Coupé à l'espace ou au trait d'union le plus proche du milieu. */
  function enDeux(nom) {
    var ou = 0;
    for (var i = 2; i < nom.length - 1; i += 1) {
      var plusPres = Math.abs(i + 1 - nom.length / 2) < Math.abs(ou - nom.length / 2);
      if ((nom[i] === " " || nom[i] === "-") && (!ou || plusPres)) { ou = i + 1; }
    }
    return ou ? [nom.slice(0, ou).replace(/ +$/, ""), nom.slice(ou)] : [nom];
  }

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
    var vue = c.getSize();
    if (!c._etiquettes.length || vue.x < 40 || vue.y < 40) { return; }
    var etroite = vue.x < 460, zoom = c.getZoom(), prises = commandes(c), liens = [], poses = {};
    var police = getComputedStyle(c.getContainer()).fontFamily;
    var ronds = c._ronds.map(function (r) { return { p: c.latLngToContainerPoint(r.p), r: r.r }; });
    var traits = c._traits.map(function (ligne) {
      return ligne.map(function (p) { return c.latLngToContainerPoint([p[1], p[0]]); });
    });

    function libre(place, rond, ici, net) {
      if (place[0] < 0 || place[1] < 0 || place[2] > vue.x || place[3] > vue.y) { return false; }
      if (prises.some(function (p) { return touche(place, p); })) { return false; }
      if (net && liens.some(function (lien) { return traverse(lien[0], lien[1], place); })) { return false; }
      if (!rond) { return true; }
      if (ronds.some(function (r) {
        return r.p.distanceTo(ici) > 0.5 && touche(place, [r.p.x - r.r, r.p.y - r.r, r.p.x + r.r, r.p.y + r.r]);
      })) { return false; }
      return !traits.some(function (ligne) {
        return ligne.some(function (p, i) { return i && traverse(ligne[i - 1], p, place); });
      });
    }

    function candidats(x, ici) {
      var liste = [];
      (x.e.r === undefined ? x.e.v || [] : []).forEach(function (v) {
        var lignes = v[0] > 1 ? enDeux(x.e.t) : [x.e.t], t = taille(lignes, x);
        if (zoom >= v[3] + Math.log2(Math.max(t.l / v[4], t.h / (13 * v[0] + 2)))) {
          liste.push({ t: lignes, m: c.latLngToContainerPoint([v[1], v[2]]), l: t.l, h: t.h });
        }
      });
      if (x.e.r !== undefined) {
        var t = taille([x.e.t], x), dx = x.e.r + t.l / 2, dy = x.e.r + t.h / 2;
        [[0, dy], [0, -dy], [dx, 0], [-dx, 0]].forEach(function (d) {
          liste.push({ t: [x.e.t], m: ici.add(d), l: t.l, h: t.h });
        });
      }
      return liste;
    }

    function direct(x, ici) {
      return candidats(x, ici).some(function (k) {
        var place = boite(k.m.x, k.m.y, k.l, k.h);
        if (!libre(place, x.e.r !== undefined, ici, true)) { return false; }
        prises.push(place);
        poser(x, k.t, k.m, null);
        return true;
      });
    }

    function cartouche(x, ici) {
      if (ici.x < 0 || ici.y < 0 || ici.x > vue.x || ici.y > vue.y) { return false; }
      var lignes = enDeux(x.e.t), t = taille(lignes, x);
      /* Vers l'extérieur d'abord : le cartouche couvre moins de lieux. */
      var dehors = Math.atan2(ici.y - vue.y / 2, ici.x - vue.x / 2);
      function loin(angle) { return Math.round(-1e6 * Math.cos(angle * Math.PI / 180 - dehors)); }
      var directions = DIRECTIONS.slice().sort(function (a, b) { return loin(a) - loin(b); });
      /* Un lien qui passe sous un autre nom vaut mieux que pas de nom, mais seulement faute de mieux. */
      return essayer(true) || essayer(false);

      function essayer(net) { return DISTANCES.some(function (distance) {
        return directions.some(function (angle) {
          var radians = angle * Math.PI / 180;
          var m = ici.add([Math.cos(radians) * (distance + t.l / 2), Math.sin(radians) * (distance + t.h / 2)]);
          var place = boite(m.x, m.y, t.l + 4, t.h + 2);
          if (!libre(place, false, ici, net)) { return false; }
          if (net && prises.some(function (p) { return traverse(ici, m, p); })) { return false; }
          prises.push(place);
          liens.push([ici, m]);
          poser(x, lignes, m, ici);
          x.marque.setZIndexOffset(net ? 0 : -10000);
          return true;
        });
      }); }
    }

    function poser(x, lignes, m, ici) {
      var encre = c._encres[x.e.i] || "";
      x.marque.setLatLng(c.containerPointToLatLng(m));
      x.texte.textContent = lignes.join("\n");
      x.texte.style.fontSize = x.corps + "px";
      x.texte.style.lineHeight = (x.corps + 2) + "px";
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

    ["directs", "cartouches", "autres"].forEach(function (passe) {
      c._etiquettes.forEach(function (x, rang) {
        if (poses[rang] || Boolean(x.e.o) === (passe === "autres")) { return; }
        x.police = police;
        x.corps = (etroite ? 10 : 11) + (x.e.f ? 1 : 0);
        var ici = c.latLngToContainerPoint(x.e.p);
        poses[rang] = passe === "cartouches" ? cartouche(x, ici) : direct(x, ici);
      });
    });
    c._etiquettes.forEach(function (x, rang) {
      x.boite.style.visibility = poses[rang] ? "" : "hidden";
      if (!poses[rang]) { x.pose = null; }
    });
  }

  window.cafdiagNoms = placer;
})();
