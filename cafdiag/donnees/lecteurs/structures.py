"""Listes publiques de structures : médiation numérique, France services, crèches d'un portail local.

Le type vient de la colonne qui le dit, corrigé par le nom (« Espace de vie sociale CantoJeunes » rangé en
centre social) ; un lieu qui n'est pas une structure suivie est rejeté avec sa catégorie. Téléphones, courriels
et noms de personnes ne sont pas lus.
"""

from __future__ import annotations

import html
import math
import re
from difflib import SequenceMatcher
from pathlib import Path

import numpy as np
import pandas as pd

from cafdiag.donnees.compte_rendu import Brut, Lecture
from cafdiag.donnees.lecteurs import Lecteur
from cafdiag.donnees.lecteurs.assemblage import (
    COMMUNE,
    Chantier,
    refuser,
    simple,
    trouver,
)
from cafdiag.donnees.lecteurs.millesimes import annee_du_nom
from cafdiag.donnees.lecture import lire_tableau, nombre
from cafdiag.donnees.registres_lieux import rattacher

_NOM = (r"nom_(de_la_|de_l_)?(structure|etablissement|equipement|site|lieu|creche)|nom_?structure", r"lib_fs|nomrs",
        r"nom|name|libelle|denomination|raison_sociale|etablissement|structure|intitule")
_AXE = r"(coord(onnee)?s?_?)?({})(_?(wgs_?84|l93|lambert_?(93)?|2154|4326|dd))?"
_X = (_AXE.format("x|lon|lng|long|longitude"), r"lambert_x|geo_?lon(gitude)?")
_Y = (_AXE.format("y|lat|latitude"), r"lambert_y|geo_?lat(itude)?")
_LIEU = {
    "code": (COMMUNE[0],), "commune": (r"commune|ville|lib_?com(mune)?|nom_?com(mune)?|localite|libelle_commune",),
    "code_postal": (r"cp|code_?postal|postal|codpos|adr_cp",),
}
_TYPE = (r"ss_cat(egorie)?|sous_categorie",
         r"type(_(de_)?(structure|etablissement|accueil|equipement|lieu))?|typologie",
         r"categorie|nature|modalite")
_ADRESSE = (r"adresse(_complete|_postale)?|rue|voie|adr(esse)?_voie|libelle_voie",)
_NUMERO = (r"n|no|num|numero(_voie|_de_voie)?|numvoie",)
_DATE = (r"dat(e)?_(de_)?(maj|mise_a_jour|modification|derniere_mise_a_jour)|date_maj|annee|date",)
_PLACES = (r"(nb|nombre)_?(de_)?places(_agreees?)?|capacite(_(d_)?accueil)?|places",)
# L'ordre compte : ce qui précède exclut ce qui suit dans le même groupe.
_MAM = r"(^|_)mam(_|$)|maisons?_d?_?assistante?s?_maternel"
_MOTIFS = {
    "evs": r"(espaces?|et|lieu)_(de_)?vie_sociale|(^|_)evs(_|$)",
    "centre_social": r"centres?_sociale?s?(_|$)|centres?_socio_?culturels?|centre_d_animation_sociale",
    "micro_creche": r"micro_?creche",
    "eaje": r"creche|multi_?accueil|halte_garderie|jardin_d_(enfants|eveil)|(^|_)eaje(_|$)",
    "rpe": r"relais_petite_enfance|relais_(d_)?assistant|(^|_)(rpe|ram|ripe|rame)(_|$)",
    "laep": r"lieux?_d_accueil_(parents?_)?enfants?(_parents?)?|(^|_)laep(_|$)",
    "alsh": r"accueils?_de_loisirs?|centres?_de_loisirs?|(^|_)(alsh|clsh)(_|$)",
    "france_services": r"france_services?|(^|_)mfs(_|$)",
    "ps_jeunes": r"(^|_)ps_jeunes(_|$)|prestation_de_service_jeunes",
}
_EXCLUT = {"evs": "centre_social", "micro_creche": "eaje"}
_PRES_M = 50.0


def types_de(nom: str, categorie: str = "") -> tuple[str, ...]:
    """Types d'une structure ; le nom corrige la catégorie.

    >>> types_de("Espace de vie sociale CantoJeunes", "Centre Social")
    ('evs',)
    >>> types_de("CS de Beaufort-en-Anjou", "Centre Social / France Services")
    ('centre_social', 'france_services')
    >>> types_de("MAM Les P'tits Loups", "Crèche"), types_de("Centre communal d'action sociale")
    ((), ())
    """
    du_nom, de_la_categorie = simple(html.unescape(nom)), simple(categorie)
    if re.search(_MAM, du_nom) or re.search(_MAM, de_la_categorie):
        return ()
    par_nom = [t for t, motif in _MOTIFS.items() if re.search(motif, du_nom)]
    par_categorie = [t for t, motif in _MOTIFS.items() if re.search(motif, de_la_categorie)]
    for fin, large in _EXCLUT.items():
        if fin in par_nom:
            par_nom = [t for t in par_nom if t != large]
            par_categorie = [t for t in par_categorie if t != large]
        elif fin in par_categorie and large not in par_nom:
            par_categorie = [t for t in par_categorie if t != large]
    return tuple(t for t in _MOTIFS if t in {*par_nom, *par_categorie})


def _defaut(brut: Brut) -> str:
    """Type que tout le fichier porte, quand ses colonnes ou son nom le disent."""
    if sum(simple(n).endswith("_fs") for n in brut.entete) >= 2:
        return "france_services"
    trouves = types_de(Path(brut.fichier).stem)
    return trouves[0] if len(trouves) == 1 and trouver(brut.entete, *_TYPE) is None else ""


def _noter(vu: Brut) -> float:
    nom, x, y = (trouver(vu.entete, *m) for m in (_NOM, _X, _Y))
    lieux = [r for r, m in _LIEU.items() if trouver(vu.entete, *m)]
    if nom is None or not lieux or not ((x and y) or len(lieux) >= 2):
        return 0.0
    if trouver(vu.entete, *_ADRESSE) is None and not (x and y):
        return 0.0
    categorie = _categories(vu)
    if _defaut(vu) or any(types_de(n, t) for n, t in zip(vu.table[nom], categorie, strict=True)):
        return 0.7
    return 0.5 if x and y and trouver(vu.entete, *_ADRESSE) else 0.2


def _categories(brut: Brut) -> pd.Series:
    colonne = trouver(brut.entete, *_TYPE)
    if colonne is None:
        return pd.Series("", index=brut.table.index, dtype="str")
    return brut.table[colonne].replace("#N/A", "")


def _colonne(brut: Brut, *motifs: str) -> pd.Series:
    nom = trouver(brut.entete, *motifs)
    return brut.table[nom] if nom is not None else pd.Series("", index=brut.table.index, dtype="str")


def lire(chemin: Path, *, feuille: str | None = None, annee: int | None = None) -> Lecture:
    """Table ``structures`` ; une ligne du fichier peut porter deux agréments (centre social et France services)."""
    brut = lire_tableau(chemin, feuille=feuille)
    c = Chantier(brut, "structures")
    colonne = trouver(brut.entete, *_NOM)
    if colonne is None:
        raise refuser(brut, "pas de colonne de nom parmi : " + ", ".join(brut.entete[:15]),
                      attendu="nom, adresse, commune, code postal, longitude, latitude")
    noms = brut.table[colonne].map(html.unescape)
    categories, defaut = _categories(brut), _defaut(brut)
    types = pd.Series([types_de(n, t) or ((defaut,) if defaut else ())
                       for n, t in zip(noms, categories, strict=True)], index=noms.index, dtype=object)
    c.rejeter(noms.eq(""), "structure sans nom")
    illisible = noms.str.contains("\ufffd") | categories.str.contains("\ufffd")
    c.rejeter(illisible, "texte illisible", noms)
    mam = (noms + " " + categories).map(lambda t: bool(re.search(_MAM, simple(t))))
    c.rejeter(mam, "maison d'assistants maternels : de l'accueil individuel, pas une crèche", noms)
    aucune = types.map(len).eq(0)
    c.rejeter(aucune, "pas une structure suivie", categories.where(categories.ne(""), noms))
    c.refuser_si_vide("des centres sociaux, EVS, crèches, ALSH, RPE, LAEP ou France services")
    lieux = _rattacher(c)
    _doublons(c, types, noms, lieux)
    c.refuser_si_vide("des structures situées")
    return _rendre(c, types, noms, categories, lieux, annee)


def _rattacher(c: Chantier) -> pd.DataFrame:
    brut = c.brut
    demande = pd.DataFrame({**{role: _colonne(brut, *m) for role, m in _LIEU.items()},
                            "lon": _colonne(brut, *_X), "lat": _colonne(brut, *_Y)})
    postal = demande["code_postal"].str.replace(r"\.0$", "", regex=True)
    demande["code_postal"] = postal.where(~postal.str.fullmatch(r"\d{4}"), "0" + postal)
    rendu = rattacher(demande[c.garde])
    c.passages |= rendu.codes_passes
    c.inconnus = sorted(set(rendu.codes_inconnus))
    c.remarques += rendu.remarques
    lieux = rendu.table.reindex(brut.table.index)
    for i, champ, valeur, attendu in rendu.defauts:
        masque = np.zeros(len(brut.table), dtype=bool)
        masque[i] = True
        c.rejeter(masque, f"{champ} : {attendu}", pd.Series(str(valeur), index=brut.table.index))
    c.rejeter(lieux["code"].isna() & c.garde, "commune introuvable", demande["commune"])
    return lieux


def _doublons(c: Chantier, types: pd.Series, noms: pd.Series, lieux: pd.DataFrame) -> None:
    """Écarte une structure déjà lue : mêmes types, nom voisin, même commune, à moins de 50 m."""
    vues: dict[str, list[int]] = {}
    masque = np.zeros(len(noms), dtype=bool)
    for i in np.flatnonzero(c.garde):
        code = lieux["code"].iat[i]
        for j in vues.get(code, ()):
            if set(types.iat[i]) <= set(types.iat[j]) and _meme(noms.iat[i], noms.iat[j]) and \
                    _ecart_m(lieux.iloc[i], lieux.iloc[j]) < _PRES_M:
                masque[i] = True
                break
        else:
            vues.setdefault(code, []).append(i)
    c.rejeter(masque, "déjà lue : même type et même nom à moins de 50 m", noms)


def _meme(un: str, autre: str) -> bool:
    a, b = simple(un), simple(autre)
    return a == b or a in b or b in a or SequenceMatcher(None, a, b).ratio() > 0.85


def _ecart_m(un: pd.Series, autre: pd.Series) -> float:
    """Distance en mètres ; nulle quand aucun des deux n'a de point (la commune seule les situe)."""
    if math.isnan(un["lon"]) and math.isnan(autre["lon"]):
        return 0.0
    dx = (un["lon"] - autre["lon"]) * math.cos(math.radians(un["lat"]))
    ecart = 111_200 * math.hypot(dx, un["lat"] - autre["lat"])
    return math.inf if math.isnan(ecart) else ecart


def _rendre(c: Chantier, types: pd.Series, noms: pd.Series, categories: pd.Series, lieux: pd.DataFrame,
            annee: int | None) -> Lecture:
    brut = c.brut
    an = _colonne(brut, *_DATE).str.extract(r"(?<!\d)((?:19|20)\d\d)(?!\d)", expand=False)
    du_fichier = annee or annee_du_nom(brut.fichier)
    an = an.fillna("" if du_fichier is None else str(du_fichier))
    numero, adresse = _colonne(brut, *_NUMERO), _colonne(brut, *_ADRESSE)
    numero = numero.where(numero.str.fullmatch(r"\d{1,4}( ?(bis|ter|quater|[a-dA-D]))?"), "")
    complet = (numero + " " + adresse).str.strip() if trouver(brut.entete, r"n|no|num|numero.*|numvoie") else adresse
    places, statut = nombre(_colonne(brut, *_PLACES))
    if statut.eq("illisible").any():
        c.remarques.append(f"{int(statut.eq('illisible').sum())} nombre(s) de places illisible(s), laissés vides")
    lignes = []
    for i in np.flatnonzero(c.garde):
        for type_ in types.iat[i]:
            lignes.append((type_, noms.iat[i].strip(), lieux["code"].iat[i], html.unescape(complet.iat[i]),
                           lieux["lon"].iat[i], lieux["lat"].iat[i], an.iat[i], places.iat[i],
                           f"liste locale {brut.fichier}", _agrement(type_, noms.iat[i], categories.iat[i]),
                           lieux["precision_lieu"].iat[i]))
    table = pd.DataFrame(lignes, columns=["type", "nom", "code", "adresse", "lon", "lat", "annee", "places", "source",
                                          "statut_agrement", "precision_lieu"])
    textes = ["type", "nom", "code", "adresse", "source", "statut_agrement", "precision_lieu"]
    table = table.astype(dict.fromkeys(textes, "str") | {"lon": "float64", "lat": "float64", "places": "float64"})
    table["annee"] = pd.to_numeric(table["annee"], errors="coerce").astype("Int64")
    annees = sorted(int(a) for a in table["annee"].dropna().unique())
    c.remarques.append("liste partielle : elle ne dit pas ce qui manque, un compte est un minimum")
    return c.rendre(table, annees=annees, source=f"liste de structures {brut.fichier}",
                    millesime=f"{annees[0]}-{annees[-1]}" if len(annees) > 1 else str(annees[0]) if annees else "")


def _agrement(type_: str, nom: str, categorie: str) -> str:
    if type_ == "france_services":
        return "dite France services par la source"
    du_nom = bool(re.search(_MOTIFS[type_], simple(nom)))
    de_la_categorie = bool(re.search(_MOTIFS[type_], simple(categorie)))
    if re.search(r"(^|_)(ccas|cias)(_|$)|action_sociale", simple(nom)):
        return "douteux : le nom est celui d'un centre d'action sociale"
    if du_nom and not de_la_categorie:
        return "probable : d'après son nom" + (" (la source le range ailleurs)" if categorie else "")
    return "dit par la source"


LECTEURS = (Lecteur("structures", "liste de structures (médiation numérique, France services, portail local)",
                    _noter, lire, ("nom", "adresse", "code_postal", "commune", "longitude", "latitude")),)
