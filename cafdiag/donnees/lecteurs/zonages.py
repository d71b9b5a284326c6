"""Ce qui classe une commune sans se sommer : densité, appartenance, aires d'attraction (Insee), FRR et ZRR."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd

from cafdiag.donnees.compte_rendu import Brut, Lecture
from cafdiag.donnees.lecteurs import Lecteur
from cafdiag.donnees.lecteurs.chantier import (
    COMMUNE,
    Chantier,
    a_colonnes,
    annee_du_nom,
    exiger,
    ouvrir,
    refuser,
    simple,
    trouver,
    trouver_tout,
)
from cafdiag.donnees.nettoyage import code_epci
from cafdiag.donnees.tableurs import lire_tableau
from cafdiag.geographie import geographie
from cafdiag.millesimes import millesime
from cafdiag.territoires import membres
from cafdiag.territoires.passage import geographie_des

_AIRE = r"aav(_?20\d\d)?|aavcode|code_aav", r"categorycode|cateaav(_?20\d\d)?|categorie.*"
_DENS7 = (r"dens(ite)?_?7(_niveaux)?", r"grille_(de_|communale_)?densite(_7)?|densite_7_niveaux",
          r"niveau_(de_)?densite", r"dens|densite")
# Libellés de l'Insee, qu'un export de l'Observatoire des territoires donne seuls, sans numéro. « Rural » tout court
# est de la grille à 3 ou 4 niveaux : il n'est pas ici.
_LIBELLES_7 = {"grands_centres_urbains": 1, "centres_urbains_intermediaires": 2, "petites_villes": 3,
               "ceintures_urbaines": 4, "bourgs_ruraux": 5, "rural_a_habitat_disperse": 6,
               "rural_a_habitat_tres_disperse": 7}
# Les niveaux 1 à 3 de la grille à 7, quand un fichier n'a que des villes.
_URBAINS_7 = r"grands? centres?|centres? urbains? interm|petites? villes?"
_ZONES = r"(?P<zone>ze|uu|aav|bv)(?P<an>20\d\d)"
_NOMS_ZONES = {"ze": "zone_emploi", "uu": "unite_urbaine", "aav": "aav", "bv": "bassin_vie"}


def lire_densite(chemin: Path, *, feuille: str | None = None, annee: int | None = None) -> Lecture:
    """Grille communale de densité à 7 niveaux.

    DENS vaut 1 à 7 dans les fichiers « 7 niveaux » (jusqu'en 2024) et 1 à 3 depuis 2025, où DENS7 donne
    les sept niveaux : c'est ce que portent les valeurs et les libellés qui décide, pas le nom.
    """
    chantier = ouvrir(chemin, "communes", feuille=feuille, annee=annee, commune=COMMUNE, densité_à_7_niveaux=_DENS7)
    brut, roles = chantier.brut, chantier.roles
    codes = chantier.codes()
    colonne = roles["densité_à_7_niveaux"]
    # « Rural à habitat dispersé », « 6 - Rural à habitat dispersé » ou « 6 » : une seule grille.
    libelles = brut.table[colonne].map({v: simple(v) for v in brut.table[colonne].unique()})
    du_libelle = libelles.str.replace(r"^[1-7]_", "", regex=True).map(_LIBELLES_7)
    prefixe = libelles.str.extract(r"^([1-7])_", expand=False)
    chantier.rejeter(prefixe.notna() & du_libelle.notna() & prefixe.astype("float64").ne(du_libelle),
                     "niveau et libellé de densité se contredisent", brut.table[colonne])
    brut.table[colonne] = du_libelle.astype("Int64").astype("str").where(du_libelle.notna(), brut.table[colonne])
    if (~brut.table[colonne].str.fullmatch(r"\s*\d*([.,]0+)?\s*")).mean() > 0.5:
        raise refuser(brut, f"colonne {colonne} : ni des niveaux ni les libellés de la grille à 7 niveaux "
                      f"(« {brut.table[colonne].iloc[0]} »)", attendu="un niveau de 1 à 7")
    niveaux, statuts = chantier.nombres(colonne)
    chantier.rejeter(statuts.ne("exact"), "niveau de densité absent", brut.table[colonne])
    chantier.rejeter(~niveaux.isin(range(1, 8)), "niveau de densité hors de 1 à 7", brut.table[colonne])
    _refuser_trois_niveaux(brut, colonne, niveaux[chantier.garde])
    chantier.sans_doublon([codes], niveaux.to_frame("v"))
    chantier.refuser_si_vide("CODGEO et DENS7 (ou DENS à 7 niveaux)")
    table = pd.DataFrame({"code": codes, "densite_7": niveaux})[chantier.garde].reset_index(drop=True)
    table = chantier.au_cog(table, classes=["densite_7"])
    an = annee or next((int(m["an"]) for m in trouver_tout([roles["commune"]], r".*(?P<an>20\d\d)").values()),
                       annee_du_nom(brut.fichier))
    return chantier.rendre(table, annees=[an] if an else [], source="Insee, grille communale de densité",
                           millesime=f"grille {an}" if an else "grille de densité à 7 niveaux")


def _refuser_trois_niveaux(brut: Brut, colonne: str, niveaux: pd.Series) -> None:
    if simple(colonne) not in ("dens", "densite") or niveaux.empty or niveaux.max() > 3:
        return
    libelle = trouver(brut.entete, r"libdens|lib_dens(ite)?")
    if libelle and brut.table[libelle].str.lower().str.contains(_URBAINS_7).all():
        return
    raise refuser(brut, f"colonne {colonne} : la grille à 3 niveaux (aucune valeur au-delà de 3)",
                  attendu="les 7 niveaux (DENS7)",
                  conseil="prenez le fichier complet de la grille de densité, qui a la colonne DENS7")


_EPCI = r"epci(_20\d\d)?|code_epci|siren(_epci)?|num_?epci"


def lire_appartenance(chemin: Path, *, feuille: str | None = None, annee: int | None = None) -> Lecture:
    """À quel EPCI, quelle zone d'emploi, quelle aire d'attraction appartient chaque commune."""
    chantier = ouvrir(chemin, "appartenance", feuille=feuille, annee=annee, commune=(r"insee", *COMMUNE),
                      epci=(r"epci(_20\d\d)?|code_epci", _EPCI))
    brut, roles = chantier.brut, chantier.roles
    codes = chantier.codes()
    epci = code_epci(brut.table[roles["epci"]])
    faux = epci.raisons.ne("") & ~epci.raisons.str.contains("sans EPCI|vide")
    chantier.rejeter(faux, "SIREN d'EPCI faux", brut.table[roles["epci"]])
    table = {"code": codes, "epci": epci.valeurs}
    for grandeur, motif in (("nom_epci", r"libepci|lib_epci|nom_epci|raison_sociale"),
                            ("departement", r"dep|departement|dept|code_departement"),
                            ("region", r"reg|region|code_region")):
        if nom := trouver(brut.entete, motif):
            table[grandeur] = brut.table[nom].mask(brut.table[nom].eq("")).astype("str")
    for nom, m in trouver_tout(brut.entete, _ZONES).items():
        table[f"{_NOMS_ZONES[m['zone']]}_{m['an']}"] = brut.table[nom].mask(brut.table[nom].eq("")).astype("str")
    fiche = pd.DataFrame(table)
    chantier.sans_doublon([codes], fiche.drop(columns="code"))
    chantier.refuser_si_vide("une ligne par commune, son EPCI")
    return rendre_appartenance(chantier, fiche[chantier.garde].reset_index(drop=True),
                                annee or annee_du_nom(brut.fichier))


def rendre_appartenance(chantier: Chantier, fiche: pd.DataFrame, an: int | None) -> Lecture:
    """Ramène au COG, et dit ce qui diffère de l'appartenance embarquée."""
    resultat = chantier.au_cog(fiche, classes=[c for c in fiche if c != "code"])
    resultat = resultat.drop(columns=[c for c in resultat if c.endswith("__statut")])
    annee = geographie_des(resultat["epci"].dropna(), defaut=geographie())
    embarque = membres(f"epci_{annee}").set_index("commune")["code"]
    actuel = resultat["code"].map(embarque)
    differe = resultat["epci"].notna() & actuel.notna() & resultat["epci"].ne(actuel)
    chantier.remarques.append(
        f"{int(differe.sum())} commune(s) d'un autre EPCI que dans le référentiel {annee}" if differe.any()
        else f"mêmes EPCI que le référentiel {annee}")
    return chantier.rendre(resultat, annees=[an] if an else [], source="Insee, appartenance géographique",
                           millesime=f"au 1er janvier {an}" if an else "année non dite")


def lire_aav(chemin: Path, *, feuille: str | None = None, annee: int | None = None) -> Lecture:
    """Aire d'attraction des villes (zonage 2020, le seul publié) et place de la commune dans l'aire."""
    chantier = ouvrir(chemin, "communes", feuille=feuille, annee=annee, commune=COMMUNE,
                      aire=_AIRE[:1], categorie=_AIRE[1:])
    brut, roles = chantier.brut, chantier.roles
    codes = chantier.codes()
    m = re.search(r"20\d\d", roles["aire"])
    an = int(m[0]) if m else millesime("zonages.aav")
    table = pd.DataFrame({"code": codes, f"aav_{an}": brut.table[roles["aire"]],
                          f"aav_categorie_{an}": brut.table[roles["categorie"]]})
    chantier.rejeter(table[f"aav_{an}"].eq(""), "aire d'attraction vide")
    chantier.sans_doublon([codes], table.drop(columns="code"))
    chantier.refuser_si_vide("une aire d'attraction par commune")
    table = table[chantier.garde].reset_index(drop=True)
    table = chantier.au_cog(table, classes=[c for c in table if c != "code"])
    return chantier.rendre(table, annees=[an], source="Insee, aires d'attraction des villes", millesime=f"AAV {an}")


def reconnait_iris(brut: Brut) -> bool:
    """Liste d'IRIS sans aucun chiffre."""
    return bool(trouver(brut.entete, r"code_iris|iris") and trouver(brut.entete, r"lib_iris|libiris")
                and trouver(brut.entete, r"typ_iris|type_iris")
                and not any(re.search(r"pop|log|nb|ben|men|rev|alloc|indfoy", simple(c)) for c in brut.entete))


def refuser_iris(chemin: Path, *, feuille: str | None = None, annee: int | None = None) -> Lecture:
    """Refuse la liste des IRIS : elle nomme des quartiers et ne les mesure pas."""
    brut = lire_tableau(chemin, feuille=feuille)
    raise refuser(brut, f"liste de {len(brut.table)} IRIS : des codes et des noms, aucun chiffre",
                  attendu="des chiffres par IRIS (population par âge, allocataires)",
                  conseil="rien à importer : la commune d'un IRIS se lit dans ses cinq premiers caractères")


# --- Revitalisation rurale (DGCL) ---


_FRR_VALEURS = ("Non classée", "FRR socle", "FRR+", "FRR bénéficiaire", "Classée FRR partiellement",
                "FRR bénéficiaire partiellement")
_ZRR_DE = millesime("zonages.zrr")
_ZRR = (r"zrr_simp(lifie)?", r"zrr(_20\d\d)?", r"(classement_(en_)?|zonage_)zrr")


def _frr(entete: list[str]) -> str | None:
    return next((c for c in entete if re.match(r"(classement_|zonage_)?(frr|france_ruralites?)", simple(c))), None)


def reconnait_frr(brut: Brut) -> bool:
    """Commune et classement FRR."""
    return bool(trouver(brut.entete, *COMMUNE) and _frr(brut.entete))


def lire_frr(chemin: Path, *, feuille: str | None = None, annee: int | None = None) -> Lecture:
    """Classement France ruralités revitalisation ; les libellés sont ceux de la DGCL."""
    brut = lire_tableau(chemin, feuille=feuille)
    roles = exiger(brut, commune=COMMUNE)
    colonne = _frr(brut.entete)
    if colonne is None:
        raise refuser(brut, "colonne absente : classement FRR")
    an = annee or next((int(a) for a in re.findall(r"20\d\d", colonne)), None) or annee_du_nom(brut.fichier)
    if an is None:
        raise refuser(brut, "rien ne dit l'année du classement", attendu="« Classement FRR … 2025 » en en-tête",
                      conseil="mettez l'année dans le nom du fichier")
    return _zonage(brut, roles["commune"], colonne, f"frr_{an}", dict(zip(map(simple_plus, _FRR_VALEURS),
                   _FRR_VALEURS, strict=True)), annee, an, f"DGCL, classement FRR {an}")


def simple_plus(texte: str) -> str:
    """Libellé sans casse ni accent, qui distingue « FRR+ » de « FRR ».

    >>> simple_plus("FRR +") == simple_plus("FRR+"), simple_plus("FRR socle")
    (True, 'frr_socle')
    """
    return simple(texte.replace("+", " plus "))


def lire_zrr(chemin: Path, *, feuille: str | None = None, annee: int | None = None) -> Lecture:
    """Zone de revitalisation rurale : C (classée), NC (non classée), P (partiellement).

    Le classement n'a pas bougé de 2018 à sa fin, en juin 2024 : quel que soit le COG du fichier, la
    grandeur est la même, et s'appelle comme dans les faits embarqués.
    """
    brut = lire_tableau(chemin, feuille=feuille)
    roles = exiger(brut, commune=COMMUNE, classement_en_ZRR=_ZRR)
    colonne = roles["classement_en_ZRR"]
    brut.table[colonne] = brut.table[colonne].str.extract(r"^\s*([A-Za-z]{1,2})\b", expand=False).fillna(
        brut.table[colonne])
    # Le zonage détaillé dit comment une commune est classée ; A (sortante) et M (montagne) en gardent les effets.
    valeurs = {"c": "C", "nc": "NC", "p": "P", "a": "C", "m": "C", "d": "C", "cm": "C", "pa": "P", "pm": "P"}
    return _zonage(brut, roles["commune"], colonne, f"zrr_{_ZRR_DE}", valeurs, annee, _ZRR_DE,
                   "ANCT, classement en zone de revitalisation rurale")


def _zonage(brut: Brut, commune: str, colonne: str, nom: str, valeurs: dict[str, str], annee: int | None,
            an: int, source: str) -> Lecture:
    chantier = Chantier(brut, "communes", annee=annee)
    codes = chantier.codes(commune)
    lues = brut.table[colonne].map(simple_plus).map(valeurs)
    chantier.rejeter(lues.isna(), "classement inconnu", brut.table[colonne])
    table = lues.astype("str").to_frame(nom)
    chantier.sans_doublon([codes], table)
    chantier.refuser_si_vide("un classement par commune : " + ", ".join(dict.fromkeys(valeurs.values())))
    table.insert(0, "code", codes)
    table = chantier.au_cog(table[chantier.garde].reset_index(drop=True), classes=[nom], jointes=True,
                            millesime=an)
    return chantier.rendre(table, annees=[an], source=source, millesime=str(an))


LECTEURS = (
    Lecteur("insee_densite", "grille communale de densité", a_colonnes(0.8, COMMUNE, _DENS7, sans=("typequ",)),
            lire_densite, ("CODGEO", "DENS7", "LIBDENS7")),
    Lecteur("insee_appartenance", "appartenance des communes (EPCI, zones)",
            a_colonnes(0.55, COMMUNE, _EPCI, sans=("typequ", "geometry", r"annee|date_reference|dtreffre|time_period")),
            lire_appartenance, ("CODGEO", "EPCI", "LIBEPCI"), utile=False),
    Lecteur("insee_aav", "aires d'attraction des villes", a_colonnes(0.8, COMMUNE, *_AIRE, sans=("epci",)), lire_aav,
            ("CODGEO", "AAV2020", "CATEAAV2020"), utile=False),
    Lecteur("insee_iris_liste", "liste des IRIS (refusée)", lambda b: 0.7 * reconnait_iris(b), refuser_iris),
    Lecteur("frr", "France ruralités revitalisation", lambda b: 0.9 * reconnait_frr(b), lire_frr,
            ("Code_insee", "Classement FRR et FRR+")),
    Lecteur("zrr", "zones de revitalisation rurale", a_colonnes(0.9, COMMUNE, _ZRR), lire_zrr,
            ("CODGEO", "ZRR_SIMP", "ZONAGE_ZRR")),
)
