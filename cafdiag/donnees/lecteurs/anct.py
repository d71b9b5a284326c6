"""ANCT : France services, et les quartiers prioritaires (libellés, contours).

Les communes d'un quartier sont dites, jamais déduites de son tracé.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from cafdiag.donnees.compte_rendu import Brut, Lecture
from cafdiag.donnees.lecteurs import Lecteur
from cafdiag.donnees.lecteurs.chantier import (
    COMMUNE,
    Chantier,
    a_colonnes,
    adresse,
    completer_par_zero,
    exiger,
    nom_libre,
    ouvrir,
    refuser,
    trouver,
)
from cafdiag.donnees.lecteurs.ign import (
    QPV_CODE,
    QPV_NOM,
    brut_geo,
    est_qpv,
    geographique,
    lire_geo,
    sans_trace,
    valider,
)
from cafdiag.donnees.tableurs import lire_tableau
from cafdiag.magasin import lire_table
from cafdiag.millesimes import millesime
from cafdiag.territoires import a_jour

_LIEU = r"id_fs|lib_fs|adresse|code_postal|lib_com|type_fs|format_fs"
_LON, _LAT = r"lon(gitude)?|x_?long?|long", r"lat(itude)?|y_?lat"


def lire_structures(chemin: Path, *, feuille: str | None = None, annee: int | None = None) -> Lecture:
    """France services, une par ligne ; ni téléphone ni courriel n'est gardé."""
    chantier = ouvrir(chemin, "structures", feuille=feuille, annee=annee,
                      colonnes=lambda n: trouver([n], _LIEU, _LON, _LAT, *COMMUNE) is not None,
                      nom=("lib_fs",), commune=COMMUNE)
    brut, roles = chantier.brut, chantier.roles
    codes = chantier.codes()
    noms = brut.table[roles["nom"]]
    chantier.rejeter(noms.eq(""), "nom vide")
    if identifiant := trouver(brut.entete, "id_fs"):
        chantier.sans_doublon([brut.table[identifiant]], pd.DataFrame({"nom": noms, "code": codes}))
    lon, lat = _points(chantier)
    an = chantier.annee_annoncee()
    chantier.refuser_si_vide("lib_fs et insee_com")
    place = lon.notna()
    table = pd.DataFrame({
        "type": "france_services", "nom": noms, "code": codes,
        "adresse": adresse(brut, "adresse", "code_postal", "lib_com"), "lon": lon, "lat": lat, "annee": an,
        "places": np.nan, "source": "ANCT, France services",
        "statut_agrement": "confirmé (liste officielle)",
        "precision_lieu": np.where(place, "point", "commune"),
    })[chantier.garde].reset_index(drop=True)
    table = chantier.points_au_cog(table, millesime=an)
    return chantier.rendre(table, annees=[an], source="ANCT, France services", millesime=str(an))


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


def reconnait_par_commune(brut: Brut) -> bool:
    """Nombre et noms de France services par commune."""
    noms = trouver(brut.entete, "labels|noms")
    return bool(trouver(brut.entete, *COMMUNE) and trouver(brut.entete, "count|nombre") and noms
                and len(brut.table) and brut.table[noms].str.contains("france services", case=False).mean() > 0.3)


def lire_par_commune(chemin: Path, *, feuille: str | None = None, annee: int | None = None) -> Lecture:
    """Nombre de France services par commune ; une liste nationale vaut zéro là où elle ne dit rien."""
    chantier = ouvrir(chemin, "communes", feuille=feuille, annee=annee, commune=COMMUNE, nombre=("count|nombre",),
                      noms=("labels|noms",))
    brut, roles = chantier.brut, chantier.roles
    codes = chantier.codes(liste=True)
    nb, statuts = chantier.nombres(roles["nombre"])
    chantier.rejeter(statuts.ne("exact") | nb.mod(1).ne(0), "nombre illisible", brut.table[roles["nombre"]])
    # Le nombre et la liste des noms se contrôlent l'un l'autre.
    noms = brut.table[roles["noms"]]
    listes = noms.str.split(" | ", regex=False).str.len().mask(noms.eq(""), 0)
    chantier.rejeter(listes.ne(nb), "le nombre ne vaut pas celui des noms", noms)
    colonne_an = trouver(brut.entete, "year|annee|millesime")
    an = chantier.annee_unique(colonne_an) if colonne_an else chantier.annee_annoncee()
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


def identifiant(code: str, nom: str) -> str:
    """Identifiant d'un quartier sans code officiel, comme dans les QPV embarqués.

    >>> identifiant("49007", "Roseraie"), identifiant("01004", "Les Courbes De L'Albarine")
    ('49007-roseraie', '01004-les-courbes-de-l-albarine')
    """
    return f"{code}-{nom_libre(nom)}"


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
    codes = chantier.codes()
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


# --- Contours des quartiers prioritaires ---


_GEOMETRIE = r"geometry|geom|geo_shape|the_geom|wkb_geometry|contour"
_COMMUNES = r"insee_com(munes?)?|code_insee|list_com.*|codgeo|communes?"
_CODE = r"QN(?:0\d\d|02[AB]|9[78]\d)\d\d[A-Z]"
# Polynésie (QN987), Saint-Martin (QN978) : la géographie prioritaire y existe, le code officiel des communes non.
HORS_COG = "quartier hors du code officiel géographique (Polynésie, Saint-Martin…)"
# Un quartier est dans sa commune : au-delà d'un degré de son centre, ce n'est plus une affaire de tracé.
_LOIN = 1.0


def reconnait_qpv(brut: Brut) -> bool:
    """Contours des QPV : code_qp, lib_qp et une géométrie."""
    return bool(est_qpv(brut.entete) and (geographique(brut.fichier) or trouver(brut.entete, _GEOMETRIE)
                                          or trouver(brut.entete, "insee_com")))


@sans_trace
def lire_qpv(chemin: Path, *, feuille: str | None = None, annee: int | None = None) -> Lecture:
    """Contours des quartiers prioritaires 2024 ; un quartier peut être à cheval sur plusieurs communes."""
    import geopandas as gpd

    brut = brut_geo(chemin, feuille, est_qpv)
    code, nom = trouver(brut.entete, QPV_CODE), trouver(brut.entete, QPV_NOM)
    if code is None or nom is None:
        raise refuser(brut, *(f"colonne absente : « {c} »" for c, v in (("code_qp", code), ("lib_qp", nom)) if not v),
                      attendu="code_qp et lib_qp ; colonnes trouvées : " + ", ".join(brut.entete[:15]))
    chantier = Chantier(brut, "qpv", annee=annee)
    codes = brut.table[code].str.upper().str.strip()
    refuser_anciens_codes(chantier, codes)
    chantier.rejeter(~codes.str.fullmatch(_CODE), "code de quartier illisible (attendu : QN, département sur trois "
                     "caractères, deux chiffres, une lettre)", brut.table[code])
    communes, etrangers, contredites = _communes(brut, codes)
    chantier.remarques += contredites
    chantier.mettre_de_cote(etrangers, HORS_COG)
    chantier.rejeter(communes.eq(""), f"quartier inconnu de la liste {millesime('qpv.liste')}, et le fichier ne "
                     "dit pas sa commune (insee_com)", codes)
    geo = lire_geo(chemin, brut)
    if len(geo) != len(brut.table):
        raise refuser(brut, f"{len(brut.table)} quartiers, mais {len(geo)} contours lus")
    chantier.remarques = list(dict.fromkeys([*chantier.remarques, *brut.remarques]))
    geo = valider(chantier, geo)
    chantier.rejeter(_loin(geo, communes), "contour loin de sa commune, ou hors de France (longitude et latitude "
                     "échangées ?)", codes)
    population = trouver(brut.entete, r"pop(ulation)?(_mun)?(_20\d\d)?")
    table = gpd.GeoDataFrame({
        "code": codes, "nom": brut.table[nom], "communes": communes,
        "population": chantier.nombres(population)[0] if population else np.nan,
    }, geometry=geo.geometry.to_numpy(), crs=4326)
    empreintes = pd.DataFrame({"wkb": table.geometry.to_wkb(hex=True)}, index=brut.table.index)
    chantier.sans_doublon([codes], empreintes)
    chantier.refuser_si_vide("code_qp, lib_qp et un contour par quartier")
    table = table[chantier.garde].reset_index(drop=True)
    return chantier.rendre(table, annees=[millesime("qpv.liste")],
                           source=f"ANCT, quartiers prioritaires {millesime('qpv.liste')}", millesime=QPV)


def _communes(brut: Brut, codes: pd.Series) -> tuple[pd.Series, np.ndarray, list[str]]:
    """Communes actuelles de chaque quartier (« 33324 33402 »), quartiers hors du code officiel, et contradictions.

    Celles de la liste de l'ANCT pour un quartier qu'elle connaît ; pour un autre, celles que le fichier dit, ramenées
    au COG, un arrondissement à sa ville. Le fichier de contours de 2024 met le quartier Bouéni hors de Bouéni.
    """
    reference = lire_table("communes", colonnes=["code", "type", "commune_mere"]).set_index("code")
    departements = set(lire_table("departements", colonnes=["code"])["code"])
    listees = lire_table("qpv", colonnes=["identifiant", "communes"]).set_index("identifiant")["communes"]
    etrangers = codes.str.fullmatch(_CODE) & ~codes.str[2:5].str.removeprefix("0").isin(departements)
    dites = pd.Series("", index=codes.index, dtype=object)
    if colonne := trouver(brut.entete, _COMMUNES):
        lues = brut.table[colonne].str.findall(r"\b(?:\d{5}|2[AB]\d{3})\b").explode().dropna()
        actuelles = a_jour(lues.astype("str"))["code_actuel"].set_axis(lues.index)
        actuelles = actuelles.where(actuelles.notna(), lues)
        meres = actuelles.map(reference["commune_mere"])
        actuelles = meres.where(meres.notna(), actuelles)
        connues = actuelles[actuelles.map(reference["type"]).eq("COM")]
        dites.update(connues.groupby(level=0).agg(lambda c: " ".join(sorted(set(c)))))
        # Toutes ses communes sont inconnues du COG : une collectivité d'outre-mer, sous un autre code.
        ailleurs = lues.index.difference(connues.index)
        etrangers |= codes.index.isin(ailleurs) & ~codes.isin(listees.index)
    connues = codes.map(listees)
    contraires = dites.ne("") & connues.notna() & dites.ne(connues)
    contredites = [f"{codes[i]} : communes {connues[i]} dans la liste de l'ANCT, {dites[i]} ici ; la liste l'emporte"
                   for i in codes.index[contraires]]
    return connues.where(connues.notna(), dites), etrangers.to_numpy(dtype=bool), contredites


def _loin(geo, communes: pd.Series) -> np.ndarray:
    """Contours à plus d'un degré de leur première commune."""
    centres = lire_table("communes", colonnes=["code", "lon", "lat"]).set_index("code")
    premiere = communes.str.split().str[0]
    bornes = geo.geometry.bounds
    ecarts = [(bornes[f"min{a}"] + bornes[f"max{a}"]).to_numpy() / 2 - premiere.map(centres[c]).to_numpy(dtype=float)
              for a, c in (("x", "lon"), ("y", "lat"))]
    return np.abs(np.stack(ecarts)).max(axis=0) > _LOIN


LECTEURS = (
    Lecteur("france_services", "liste des France services", a_colonnes(0.9, "id_fs|lib_fs", COMMUNE), lire_structures,
            ("id_fs", "lib_fs", "insee_com", "latitude", "longitude")),
    Lecteur("france_services_communes", "France services par commune", lambda b: 0.9 * reconnait_par_commune(b),
            lire_par_commune, ("code", "count", "labels")),
    Lecteur("qpv_communes", f"libellés des {QPV} par commune", lambda b: 0.85 * reconnait_qpv_libelles(b),
            lire_qpv_libelles, ("LIB_QP", "LIST_COM_2025")),
    Lecteur("anct_qpv", f"contours des {QPV}", lambda b: 0.88 * reconnait_qpv(b), lire_qpv,
            ("code_qp", "lib_qp", "insee_com", "geometry")),
)
