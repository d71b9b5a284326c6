"""ANCT : France services, et les libellés des quartiers prioritaires par commune."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

import numpy as np
import pandas as pd

from cafdiag.donnees.compte_rendu import Brut, Lecture
from cafdiag.donnees.lecteurs import Lecteur
from cafdiag.donnees.lecteurs.assemblage import (
    COMMUNE,
    Chantier,
    completer_par_zero,
    exiger,
    refuser,
    trouver,
)
from cafdiag.donnees.lecteurs.millesimes import annee_du_nom
from cafdiag.donnees.lecture import lire_tableau
from cafdiag.donnees.nettoyage import annee as lire_annee
from cafdiag.magasin import lire_table
from cafdiag.millesimes import millesime
from cafdiag.territoires import a_jour

_LON, _LAT = r"lon(gitude)?|x_?long?|long", r"lat(itude)?|y_?lat"


def reconnait_structures(brut: Brut) -> bool:
    """Liste de France services : un lieu par ligne."""
    return bool(trouver(brut.entete, "id_fs|lib_fs") and trouver(brut.entete, *COMMUNE))


def lire_structures(chemin: Path, *, feuille: str | None = None, annee: int | None = None) -> Lecture:
    """France services, une par ligne ; ni téléphone ni courriel n'est gardé."""
    brut = lire_tableau(chemin, feuille=feuille, colonnes=lambda n: trouver(
        [n], r"id_fs|lib_fs|adresse|code_postal|lib_com|type_fs|format_fs", _LON, _LAT, *COMMUNE) is not None)
    roles = exiger(brut, nom=("lib_fs",), commune=COMMUNE)
    chantier = Chantier(brut, "structures", annee=annee)
    codes = chantier.communes(roles["commune"])
    chantier.connus(codes)
    noms = brut.table[roles["nom"]]
    chantier.rejeter(noms.eq(""), "nom vide")
    if identifiant := trouver(brut.entete, "id_fs"):
        chantier.sans_doublon([brut.table[identifiant]], pd.DataFrame({"nom": noms, "code": codes}))
    lon, lat = _points(chantier)
    an = annee or annee_du_nom(brut.fichier) or _annee_collee(brut.fichier)
    if an is None:
        raise refuser(brut, "rien ne dit l'année de la liste", conseil="mettez la date dans le nom du fichier")
    chantier.refuser_si_vide("lib_fs et insee_com")
    place = lon.notna()
    table = pd.DataFrame({
        "type": "france_services", "nom": noms, "code": codes, "adresse": _adresse(brut), "lon": lon, "lat": lat,
        "annee": an, "places": np.nan, "source": "ANCT, France services",
        "statut_agrement": "confirmé (liste officielle)",
        "precision_lieu": np.where(place, "point", "commune"),
    })[chantier.garde].reset_index(drop=True)
    table = chantier.points_au_cog(table, millesime=an)
    return chantier.rendre(table, annees=[an], source="ANCT, France services", millesime=str(an))


def _annee_collee(fichier: str) -> int | None:
    m = re.search(r"(20[2-4]\d)(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])", fichier)
    return int(m[1]) if m else None


def _points(chantier: Chantier) -> tuple[pd.Series, pd.Series]:
    """Longitude et latitude ; permutées, elles sont remises ; en mètres, elles ne sont pas reprises."""
    brut = chantier.brut
    nom_lon, nom_lat = trouver(brut.entete, _LON), trouver(brut.entete, _LAT)
    vide = pd.Series(np.nan, index=brut.table.index)
    if nom_lon is None or nom_lat is None:
        return vide, vide
    lon, lat = chantier.nombres(nom_lon, positif=False)[0], chantier.nombres(nom_lat, positif=False)[0]
    centres = lire_table("communes", colonnes=["code", "lon", "lat"]).set_index("code")
    communes = a_jour(brut.table[trouver(brut.entete, *COMMUNE)])["code_actuel"]
    cx, cy = (communes.map(centres[c]).astype("float64") for c in ("lon", "lat"))
    droit = (lon - cx).abs() + (lat - cy).abs()
    permute = (lat - cx).abs() + (lon - cy).abs()
    inverse = permute < 0.5 * droit.where(droit > 1, 0)
    if inverse.any():
        chantier.remarques.append(f"{int(inverse.sum())} point(s) remis à l'endroit : longitude et latitude permutées")
        lon, lat = lon.mask(inverse, lat), lat.mask(inverse, lon)
    loin = (lon - cx).abs().gt(1) | (lat - cy).abs().gt(1) | lon.isna() | lat.isna()
    loin &= cx.notna() | lon.abs().gt(180) | lat.abs().gt(90)
    if (loin & lon.notna()).any():
        chantier.remarques.append(
            f"{int((loin & lon.notna()).sum())} point(s) à plus d'un degré de leur commune : point non repris")
    return lon.mask(loin), lat.mask(loin)


def _adresse(brut: Brut) -> pd.Series:
    morceaux = [brut.table[c] for n in ("adresse", "code_postal", "lib_com") if (c := trouver(brut.entete, n))]
    if not morceaux:
        return pd.Series("", index=brut.table.index)
    texte = morceaux[0].str.cat(morceaux[1:], sep=" ") if len(morceaux) > 1 else morceaux[0]
    return texte.str.replace(r"\s+", " ", regex=True).str.strip()


def reconnait_par_commune(brut: Brut) -> bool:
    """Nombre et noms de France services par commune."""
    noms = trouver(brut.entete, "labels|noms")
    return bool(trouver(brut.entete, *COMMUNE) and trouver(brut.entete, "count|nombre") and noms
                and len(brut.table) and brut.table[noms].str.contains("france services", case=False).mean() > 0.3)


def lire_par_commune(chemin: Path, *, feuille: str | None = None, annee: int | None = None) -> Lecture:
    """Nombre de France services par commune ; une liste nationale vaut zéro là où elle ne dit rien."""
    brut = lire_tableau(chemin, feuille=feuille)
    roles = exiger(brut, commune=COMMUNE, nombre=("count|nombre",), noms=("labels|noms",))
    chantier = Chantier(brut, "communes", annee=annee)
    codes = chantier.communes(roles["commune"], liste=True)
    chantier.connus(codes)
    nb, statuts = chantier.nombres(roles["nombre"])
    chantier.rejeter(statuts.ne("exact") | nb.mod(1).ne(0), "nombre illisible", brut.table[roles["nombre"]])
    # Le nombre et la liste des noms se contrôlent l'un l'autre.
    noms = brut.table[roles["noms"]]
    listes = noms.str.split(" | ", regex=False).str.len().mask(noms.eq(""), 0)
    chantier.rejeter(listes.ne(nb), "le nombre ne vaut pas celui des noms", noms)
    an = _annee_unique(chantier, annee)
    chantier.sans_doublon([codes], nb.to_frame("nb"))
    chantier.refuser_si_vide("un nombre par commune")
    nom = f"france_services_{an}"
    table = pd.DataFrame({"code": codes, nom: nb})[chantier.garde].reset_index(drop=True)
    table = completer_par_zero(chantier, _villes_a_arrondissements(
        chantier, chantier.au_cog(table, additives=[nom], cle=None, millesime=an), nom))
    return chantier.rendre(table, annees=[an], source="ANCT, France services", millesime=str(an))


def _villes_a_arrondissements(chantier: Chantier, table: pd.DataFrame, nom: str) -> pd.DataFrame:
    """Un lieu est situé à l'arrondissement, ou à la ville faute de mieux : la ville réunit les deux."""
    communes = lire_table("communes", colonnes=["code", "commune_mere"]).dropna()
    mere = table["code"].map(communes.set_index("code")["commune_mere"])
    sommes = table[nom].groupby(mere).sum()
    plus = table["code"].map(sommes).fillna(0)
    if villes := sorted(table.loc[plus.gt(0), "code"]):
        chantier.remarques.append(f"{', '.join(villes)} : aux lieux situés à la ville s'ajoutent ceux de ses "
                                  "arrondissements")
    return table.assign(**{nom: table[nom] + plus})


def _annee_unique(chantier: Chantier, annee: int | None) -> int:
    nom = trouver(chantier.brut.entete, "year|annee|millesime")
    if nom is None:
        an = annee or annee_du_nom(chantier.brut.fichier)
        if an is None:
            raise refuser(chantier.brut, "aucune colonne ne donne l'année", attendu="une année")
        return an
    ans, raisons = lire_annee(chantier.brut.table[nom])
    chantier.rejeter_selon(raisons, chantier.brut.table[nom])
    uniques = sorted({int(a) for a in ans.dropna()})
    if len(uniques) != 1:
        raise refuser(chantier.brut, "plusieurs années mêlées : " + (", ".join(map(str, uniques)) or "aucune"))
    return uniques[0]


def identifiant(code: str, nom: str) -> str:
    """Identifiant d'un quartier sans code officiel, comme dans les QPV embarqués.

    >>> identifiant("49007", "Roseraie"), identifiant("01004", "Les Courbes De L'Albarine")
    ('49007-roseraie', '01004-les-courbes-de-l-albarine')
    """
    nu = unicodedata.normalize("NFKD", nom).encode("ascii", "ignore").decode().lower()
    return f"{code}-" + re.sub(r"[^a-z0-9]+", "-", nu).strip("-")


def reconnait_qpv_libelles(brut: Brut) -> bool:
    """Libellés de quartiers par commune (TAG_QPV), sans contour."""
    return bool((trouver(brut.entete, "qpvlabels") and trouver(brut.entete, *COMMUNE))
                or (trouver(brut.entete, r"lib_qp(v)?") and trouver(brut.entete, r"list_com(_20\d\d)?")))


def lire_qpv_libelles(chemin: Path, *, feuille: str | None = None, annee: int | None = None) -> Lecture:
    """Noms des QPV 2024 et leurs communes ; ni contour ni population."""
    brut = lire_tableau(chemin, feuille=feuille)
    chantier = Chantier(brut, "qpv", annee=annee)
    if liste := trouver(brut.entete, r"list_com(_20\d\d)?"):
        lignes = _quartiers_tag(chantier, liste)
    else:
        lignes = _quartiers_par_commune(chantier)
    chantier.refuser_si_vide("LIB_QP et LIST_COM_2025, ou des libellés par commune")
    import geopandas as gpd

    table = gpd.GeoDataFrame(pd.DataFrame(lignes, columns=["code", "nom", "communes"]).assign(population=np.nan),
                             geometry=[None] * len(lignes), crs=4326)
    if not trouver(brut.entete, "qp|code_qp|codgeo|code_qpv"):
        chantier.remarques.append("ni code officiel ni contour : chaque quartier est désigné par sa commune et son nom")
    return chantier.rendre(table, annees=[_LISTE], source=f"Insee, {QPV} (libellés)", millesime=QPV)


def _quartiers_tag(chantier: Chantier, liste: str) -> list[tuple]:
    brut = chantier.brut
    nom = exiger(brut, libellé=(r"lib_qp(v)?",))["libellé"]
    code = trouver(brut.entete, "qp|code_qp|codgeo|code_qpv|qp_?2024|qpv_?2024")
    if code:
        refuser_anciens_codes(chantier, brut.table[code])
        chantier.sans_doublon([brut.table[code]], brut.table[[nom, liste]])
    chantier.rejeter(brut.table[nom].eq(""), "libellé vide")
    communes = brut.table[liste].str.findall(r"\d{5}|2[AB]\d{3}")
    chantier.rejeter(communes.str.len().eq(0), "aucune commune", brut.table[liste])
    garde = chantier.garde
    return [(brut.table.at[i, code] if code else identifiant(communes[i][0], brut.table.at[i, nom]),
             brut.table.at[i, nom], " ".join(communes[i])) for i in brut.table.index[garde]]


def _quartiers_par_commune(chantier: Chantier) -> list[tuple]:
    brut = chantier.brut
    roles = exiger(brut, commune=COMMUNE, libellés=("qpvlabels",))
    codes = chantier.communes(roles["commune"])
    chantier.connus(codes)
    noms = brut.table[roles["libellés"]]
    chantier.rejeter(noms.eq(""), "libellé vide")
    chantier.sans_doublon([codes], noms.to_frame("noms"))
    if not codes.str.startswith("2A").any() and codes.nunique() > 500:
        chantier.remarques.append("liste trouée : ni la Corse, ni les quartiers à cheval sur plusieurs communes")
    table = chantier.points_au_cog(pd.DataFrame({"code": codes, "noms": noms})[chantier.garde])
    return [(identifiant(code, nom), nom, code) for code, liste in zip(table["code"], table["noms"], strict=True)
            for nom in liste.split(" | ")]


_LISTE = millesime("qpv.liste")
QPV = f"QPV {_LISTE}"
GEOGRAPHIE_PRIORITAIRE = f"la géographie prioritaire {_LISTE} (codes QN)"


def anciens_qpv(exemple: str) -> str:
    """Ce que sont des codes QP, pour un message de refus."""
    return (
        f"quartiers prioritaires de {millesime('qpv.ancienne')} (codes QP, dont {exemple}), un découpage remplacé le "
        f"1er janvier {_LISTE} ({millesime('qpv.outre_mer')} outre-mer)"
    )


def refuser_anciens_codes(chantier: Chantier, codes: pd.Series) -> None:
    """Lève le refus si ce sont des quartiers de 2015 (codes QP)."""
    anciens = codes.str.fullmatch(r"QP[0-9A-Z]{6}")
    if anciens.mean() > 0.5:
        raise refuser(
            chantier.brut, f"{int(anciens.sum())} {anciens_qpv(codes.iloc[0])}", attendu=GEOGRAPHIE_PRIORITAIRE,
            conseil=f"prenez l'édition « {QPV} » ; aucune table ne passe un périmètre d'une liste à l'autre")


LECTEURS = (
    Lecteur("france_services", "liste des France services", lambda b: 0.9 * reconnait_structures(b), lire_structures,
            ("id_fs", "lib_fs", "insee_com", "latitude", "longitude")),
    Lecteur("france_services_communes", "France services par commune", lambda b: 0.9 * reconnait_par_commune(b),
            lire_par_commune, ("code", "count", "labels")),
    Lecteur("qpv_communes", f"libellés des {QPV} par commune", lambda b: 0.85 * reconnait_qpv_libelles(b),
            lire_qpv_libelles, ("LIB_QP", "LIST_COM_2025")),
)
