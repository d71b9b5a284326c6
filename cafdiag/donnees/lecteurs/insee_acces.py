"""Insee, localisation et accès de la population aux équipements : durées de route, carreau par carreau.

Un fichier par région, près d'un gigaoctet : une ligne par carreau de 200 mètres et type d'équipement. Il se lit par
morceaux, dont on ne garde que les équipements d'une Caf, et se somme aussitôt à la commune.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from cafdiag.donnees import octets
from cafdiag.donnees.compte_rendu import Brut, CompteRendu, Lecture, Rejet
from cafdiag.donnees.grandeurs import SOURCE_ACCES
from cafdiag.donnees.lecteurs import Lecteur
from cafdiag.donnees.lecteurs.chantier import (
    REPETEE,
    Chantier,
    annee_du_nom,
    exiger,
    refuser,
    trouver,
)
from cafdiag.donnees.lecteurs.insee_equipements import HORS_CHAMP
from cafdiag.donnees.nettoyage import communes_connues
from cafdiag.donnees.tableurs import apercu

# La crèche la plus proche peut être une micro-crèche : la plus courte des deux durées, carreau par carreau.
GROUPES = {
    "D502": "eaje", "D509": "eaje", "D503": "laep", "D505": "alsh", "D506": "centre_social", "A128": "france_services",
}  # fmt: skip
SEUILS = (5, 10, 15, 20, 30, 45, 60)
_MORCEAU = 1 << 17
# La convention du projet sans ces durées : vol d'oiseau × 1,3 à 50 km/h.
_MINUTES_PAR_KM = 1.3 * 60 / 50
_FAUTIVES_MAXIMUM = 1 / 100
# Une durée peut manquer (une île) : au-delà de cette part des habitants, la commune reste vide.
_SANS_DUREE_MAXIMUM = 0.05
# De la marche à l'autoroute, en km/h : de quoi reconnaître des mètres ou des kilomètres, écarts d'un facteur mille.
_VITESSES = (3.0, 200.0)
_ROLES = {
    "depcom": ("depcom",), "type": ("typeeq_id",), "pop": ("pop",), "duree": ("duree",),
}  # fmt: skip
_FACULTATIFS = {"carreau": "idsrc", "iris": "iris", "x": "x", "y": "y", "euclide": "deuclidienne"}


def reconnait(brut: Brut) -> bool:
    """Carreau, commune, type d'équipement, population, durée."""
    return all(trouver(brut.entete, *motifs) for motifs in _ROLES.values())


def lire(chemin: Path, *, feuille: str | None = None, annee: int | None = None) -> Lecture:
    """Sommes par commune et groupe d'équipements : habitants, habitants × minutes, habitants à tant de minutes au plus.

    Des sommes, et non des moyennes : une commune nouvelle, un EPCI en sont encore le rapport.
    """
    vu = apercu(chemin, feuille=feuille)
    roles = exiger(vu, **_ROLES)
    roles |= {r: n for r, motif in _FACULTATIFS.items() if (n := trouver(vu.entete, motif))}
    an = annee or annee_du_nom(vu.fichier)
    if an is None:
        raise refuser(vu, "aucune colonne ne donne l'année, et le nom du fichier non plus",
                      attendu="le nom de l'Insee, comme « donnees_AAAA_reg52.parquet »",
                      conseil="renommez-le, ou dites --annee")
    if "carreau" not in roles and not {"x", "y"} <= set(roles):
        raise refuser(vu, "aucune colonne ne dit le carreau", attendu="idSrc, ou X et Y")
    src = octets.source(chemin)
    if src.format != "parquet":
        raise refuser(vu, "ce fichier n'est pas un parquet", attendu="le parquet de la région, tel que publié")
    utiles, comptes = _charger(src, vu, roles)
    return _rendre(vu, src.chemin, utiles, comptes, an)


def _charger(src: octets.Fichier, vu: Brut, roles: dict[str, str]) -> tuple[pd.DataFrame, dict]:
    """Les seules lignes des équipements voulus, sans jamais tenir plus d'un morceau des autres."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    voulus = pa.array(list(GROUPES))
    morceaux, lues, rejets = [], 0, []
    with octets.lisible(src.chemin), src.ouvrir() as flux:
        # Sans tampon, chaque colonne d'un groupe de lignes serait prise d'un bloc.
        fichier = pq.ParquetFile(flux, buffer_size=1 << 20)
        for lot in fichier.iter_batches(batch_size=_MORCEAU, columns=sorted(set(roles.values()))):
            types = pc.utf8_upper(pc.utf8_trim_whitespace(lot.column(roles["type"]).cast(pa.string())))
            dedans = pc.fill_null(pc.is_in(types, value_set=voulus), False)
            illisibles = np.flatnonzero(pc.is_null(types).to_numpy(zero_copy_only=False))
            rejets += [Rejet(lues + int(r) + 1, "type d'équipement absent") for r in illisibles[:_MORCEAU]]
            if pc.any(dedans).as_py():
                rangs = np.flatnonzero(dedans.to_numpy(zero_copy_only=False)) + lues + 1
                garde = lot.filter(dedans)
                morceaux.append(_compact(garde, types.filter(dedans), roles, vu).assign(ligne=rangs))
            lues += lot.num_rows
    if not morceaux:
        raise refuser(vu, "aucun équipement d'une Caf", attendu="typeeq_id parmi " + ", ".join(GROUPES))
    table = pd.concat(morceaux, ignore_index=True)
    raisons = np.select(
        [
            ~table["depcom"].str.fullmatch(r"\d[0-9AB]\d{3}").fillna(False).to_numpy(dtype=bool),
            ~(table["pop"] >= 0).to_numpy(),
            (table["duree"] < 0).to_numpy(),
        ],
        ["ce n'est pas un code de commune", "population absente ou négative", "durée négative"],
        default="",
    )
    fautives = np.flatnonzero(raisons != "")
    if len(fautives) + len(rejets) > max(100, _FAUTIVES_MAXIMUM * lues):
        raise refuser(vu, f"{len(fautives) + len(rejets)} lignes fautives sur {lues}",
                      *(f"ligne {table['ligne'].iloc[r]} : {raisons[r]}" for r in fautives[:5]),
                      attendu="depcom sur cinq caractères, pop et duree positives")
    rejets += [Rejet(int(table["ligne"].iloc[r]), str(raisons[r])) for r in fautives]
    comptes = {"lues": lues, "rejets": rejets, "hors_champ": lues - len(table) - (len(rejets) - len(fautives))}
    return table[raisons == ""].reset_index(drop=True), comptes


def _compact(lot, types, roles: dict[str, str], vu: Brut) -> pd.DataFrame:
    """Un morceau en peu de place : nombres de 32 bits, textes répétés en catégories."""
    import pyarrow as pa

    def nombres(role: str) -> np.ndarray:
        # Une colonne entière avec des vides passe par les flottants ; illisible, elle fait refuser le fichier.
        colonne = lot.column(roles[role])
        try:
            return colonne.cast(pa.float64()).to_numpy(zero_copy_only=False).astype("float32")
        except pa.ArrowException:
            textes = pd.Series(colonne.to_pylist(), dtype="object").dropna()
            faux = textes[pd.to_numeric(textes, errors="coerce").isna()]
            ecrit = f" (« {str(faux.iloc[0])[:40]} »)" if len(faux) else ""
            defaut = f"« {roles[role]} » n'est pas une colonne de nombres{ecrit}"
            raise refuser(vu, defaut, attendu="le parquet de la région, tel que l'Insee le publie") from None

    if "carreau" in roles:
        carreau = pd.util.hash_array(lot.column(roles["carreau"]).cast(pa.string()).to_numpy(zero_copy_only=False))
    else:
        carreau = pd.util.hash_array(
            (nombres("x").astype("float64") * 1e8 + nombres("y")).view("int64")
        )
    donnees = {
        "carreau": carreau,
        "depcom": pd.array(lot.column(roles["depcom"]).cast(pa.string()).to_pylist(), dtype="str"),
        "type": pd.array(types.to_pylist(), dtype="str"),
        "pop": nombres("pop"),
        "duree": nombres("duree"),
        "euclide": nombres("euclide") if "euclide" in roles else np.float32(np.nan),
    }
    if "iris" in roles:
        iris = lot.column(roles["iris"]).cast(pa.string()).fill_null("").to_numpy(zero_copy_only=False)
        donnees["carreau"] = donnees["carreau"] ^ (pd.util.hash_array(iris) * np.uint64(31))
    return pd.DataFrame(donnees)


def _rendre(vu: Brut, chemin: Path, table: pd.DataFrame, comptes: dict, an: int) -> Lecture:
    cle = ["carreau", "depcom", "type"]
    doubles = table.duplicated(cle, keep="first")
    if doubles.any():
        contraires = table[table.duplicated(cle, keep=False)].drop_duplicates([*cle, "pop", "duree"])
        contraires = contraires[contraires.duplicated(cle, keep=False)]
        if len(contraires):
            fautives = (f"ligne {n} : même carreau, même équipement, autre durée" for n in contraires["ligne"][:5])
            raise refuser(vu, *fautives,
                          attendu="une ligne par carreau, commune et type d'équipement")
    comptes["rejets"] += [Rejet(int(n), REPETEE) for n in table.loc[doubles, "ligne"]]
    table = table[~doubles]
    connus = communes_connues()
    inconnus = sorted(set(table["depcom"].unique()) - connus)
    de_cote = {HORS_CHAMP: comptes["hors_champ"]} if comptes["hors_champ"] else {}
    if inconnus:
        faux = table["depcom"].isin(inconnus)
        de_cote["commune inconnue de tout COG"] = int(faux.sum())
        table = table[~faux]
    gardees, remarques = len(table), []
    sommes, km = _sommer(table), _en_km(table)
    rendue = sommes.copy()
    rendue.columns = [f"acces_{an}_{c}" for c in sommes]
    if km is not None:
        rendue[[f"route_{an}_popminutes", f"route_{an}_popkm"]] = km
        remarques.append(_erreur(km))
    else:
        remarques.append("pas de distance à vol d'oiseau (deuclidienne) : les trajets entre communes restent estimés")
    vides = int(rendue.isna().any(axis=1).sum())
    if vides:
        remarques.append(f"{vides} communes dont trop de carreaux n'ont pas de durée : laissées vides")
    brut = Brut(pd.DataFrame({"code": rendue.index}), np.arange(1, len(rendue) + 1), vu.entete, [], [], vu.fichier,
                octets.empreinte(chemin))
    chantier = Chantier(brut, "communes")
    rendue = chantier.au_cog(rendue.rename_axis("code").reset_index(), additives=list(rendue.columns))
    compte = CompteRendu(
        vu.fichier, "communes", comptes["lues"], gardees, sorted(comptes["rejets"], key=lambda r: r.ligne),
        chantier.passages, inconnus, [*remarques, *chantier.remarques], brut.empreinte, de_cote,
    )  # fmt: skip
    return Lecture("communes", rendue, compte, (an,), SOURCE_ACCES, f"équipements {an}")


def _sommer(table: pd.DataFrame) -> pd.DataFrame:
    """Par commune : ``<groupe>_pop``, ``_popminutes``, ``_a<seuil>`` ; vides si trop de durées manquent."""
    table = table.assign(groupe=table["type"].map(GROUPES))
    proches = table.groupby(["depcom", "groupe", "carreau"], as_index=False, sort=False, observed=True).agg(
        pop=("pop", "first"), duree=("duree", "min")
    )
    pop, duree = proches["pop"].astype("float64"), proches["duree"].astype("float64")
    sue = duree.notna()
    termes = {"tous": pop, "pop": pop.where(sue, 0.0), "popminutes": (pop * duree).fillna(0.0)}
    termes |= {f"a{s}": pop.where(sue & duree.le(s), 0.0) for s in SEUILS}
    par_commune = pd.DataFrame(termes).groupby([proches["depcom"], proches["groupe"]]).sum()
    tous = par_commune.pop("tous")
    assez = (tous > 0) & (par_commune["pop"] >= (1 - _SANS_DUREE_MAXIMUM) * tous)
    large = par_commune.where(assez).unstack("groupe")
    large.columns = [f"{groupe}_{terme}" for terme, groupe in large.columns]
    return large.rename_axis(None)


def _en_km(table: pd.DataFrame) -> pd.DataFrame | None:
    """Habitants × minutes et habitants × kilomètres à vol d'oiseau, par commune ; None sans distance reconnue."""
    sues = table[table["euclide"].gt(0) & table["duree"].gt(0)].astype({"pop": "float64", "euclide": "float64"})
    if sues.empty or sues["pop"].sum() <= 0:
        return None
    allure = (sues["pop"] * sues["euclide"]).sum() / (sues["pop"] * sues["duree"].astype("float64")).sum() * 60
    facteur = next((f for f in (1.0, 0.001) if _VITESSES[0] <= allure * f <= _VITESSES[1]), None)
    if facteur is None:
        return None
    produits = pd.DataFrame(
        {"popminutes": sues["pop"] * sues["duree"], "popkm": sues["pop"] * sues["euclide"] * facteur}
    )
    return produits.groupby(sues["depcom"]).sum()


def _erreur(km: pd.DataFrame) -> str:
    """Ce que vaut « × 1,3 à 50 km/h » face à la route, commune par commune."""
    ecart = (_MINUTES_PAR_KM * km["popkm"] / km["popminutes"] - 1).replace(np.inf, np.nan).dropna()
    sens = "trop longue" if ecart.median() > 0 else "trop courte"
    mediane, pire = (f"{100 * v:.0f} %" for v in (ecart.abs().median(), ecart.abs().quantile(0.9)))
    return (
        f"notre estimation (vol d'oiseau × 1,3 à 50 km/h), face à la route : erreur médiane {mediane}, "
        f"9 communes sur 10 sous {pire}, plutôt {sens} ; les trajets de {len(ecart)} communes sont désormais étalonnés"
    )


LECTEURS = (
    Lecteur("insee_acces", "durées d'accès aux équipements (Insee, par région)", lambda b: 0.95 * reconnait(b), lire,
            ("idSrc", "depcom", "iris", "typeeq_id", "pop", "duree")),
)
