"""Insee : densité, table d'appartenance, aires d'attraction ; ce qui classe une commune sans se sommer."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd

from cafdiag.donnees.compte_rendu import Brut, Lecture
from cafdiag.donnees.lecteurs import Lecteur
from cafdiag.donnees.lecteurs.assemblage import (
    COMMUNE,
    Chantier,
    exiger,
    refuser,
    simple,
    trouver,
    trouver_tout,
)
from cafdiag.donnees.lecteurs.millesimes import annee_du_nom
from cafdiag.donnees.lecture import lire_tableau
from cafdiag.donnees.nettoyage import code_epci
from cafdiag.geographie import geographie
from cafdiag.millesimes import millesime
from cafdiag.territoires import membres
from cafdiag.territoires.passage import geographie_des

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


def reconnait_densite(brut: Brut) -> bool:
    """Commune et niveau de densité, sans équipement ni population par âge."""
    return bool(trouver(brut.entete, *COMMUNE) and trouver(brut.entete, *_DENS7)
                and not trouver(brut.entete, "typequ"))


def lire_densite(chemin: Path, *, feuille: str | None = None, annee: int | None = None) -> Lecture:
    """Grille communale de densité à 7 niveaux.

    DENS vaut 1 à 7 dans les fichiers « 7 niveaux » (jusqu'en 2024) et 1 à 3 depuis 2025, où DENS7 donne
    les sept niveaux : c'est ce que portent les valeurs et les libellés qui décide, pas le nom.
    """
    brut = lire_tableau(chemin, feuille=feuille)
    roles = exiger(brut, commune=COMMUNE, densité_à_7_niveaux=_DENS7)
    chantier = Chantier(brut, "communes", annee=annee)
    codes = chantier.communes(roles["commune"])
    chantier.connus(codes)
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


def reconnait_appartenance(brut: Brut) -> bool:
    """Commune et EPCI, sans chiffre : table d'appartenance, composition des EPCI."""
    return bool(trouver(brut.entete, *COMMUNE) and trouver(brut.entete, _EPCI)
                and not trouver(brut.entete, "typequ") and not trouver(brut.entete, "geometry")
                and not trouver(brut.entete, r"annee|date_reference|dtreffre|time_period"))


_EPCI = r"epci(_20\d\d)?|code_epci|siren(_epci)?|num_?epci"


def lire_appartenance(chemin: Path, *, feuille: str | None = None, annee: int | None = None) -> Lecture:
    """À quel EPCI, quelle zone d'emploi, quelle aire d'attraction appartient chaque commune."""
    brut = lire_tableau(chemin, feuille=feuille)
    roles = exiger(brut, commune=(r"insee", *COMMUNE), epci=(r"epci(_20\d\d)?|code_epci", _EPCI))
    chantier = Chantier(brut, "appartenance", annee=annee)
    codes = chantier.communes(roles["commune"])
    chantier.connus(codes)
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


def reconnait_aav(brut: Brut) -> bool:
    """Aire d'attraction et catégorie de commune."""
    return bool(trouver(brut.entete, *COMMUNE) and not trouver(brut.entete, "epci")
                and trouver(brut.entete, r"aav(_?20\d\d)?|aavcode|code_aav")
                and trouver(brut.entete, r"categorycode|cateaav(_?20\d\d)?|categorie.*"))


def lire_aav(chemin: Path, *, feuille: str | None = None, annee: int | None = None) -> Lecture:
    """Aire d'attraction des villes (zonage 2020, le seul publié) et place de la commune dans l'aire."""
    brut = lire_tableau(chemin, feuille=feuille)
    roles = exiger(brut, commune=COMMUNE, aire=(r"aav(_?20\d\d)?|aavcode|code_aav",),
                   categorie=(r"categorycode|cateaav(_?20\d\d)?|categorie.*",))
    chantier = Chantier(brut, "communes", annee=annee)
    codes = chantier.communes(roles["commune"])
    chantier.connus(codes)
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


LECTEURS = (
    Lecteur("insee_densite", "grille communale de densité", lambda b: 0.8 * reconnait_densite(b), lire_densite,
            ("CODGEO", "DENS7", "LIBDENS7")),
    Lecteur("insee_appartenance", "appartenance des communes (EPCI, zones)",
            lambda b: 0.55 * reconnait_appartenance(b), lire_appartenance, ("CODGEO", "EPCI", "LIBEPCI")),
    Lecteur("insee_aav", "aires d'attraction des villes", lambda b: 0.8 * reconnait_aav(b), lire_aav,
            ("CODGEO", "AAV2020", "CATEAAV2020")),
    Lecteur("insee_iris_liste", "liste des IRIS (refusée)", lambda b: 0.7 * reconnait_iris(b), refuser_iris),
)
