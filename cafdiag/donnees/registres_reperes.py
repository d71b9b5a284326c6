"""Les repères d'une liste publique : un point dans une seule case, un numéro de rue à part, un géocodage incertain."""

from __future__ import annotations

import re

import pandas as pd

from cafdiag.donnees.compte_rendu import Compte
from cafdiag.donnees.nettoyage import nombre
from cafdiag.donnees.registres_geocodage import SCORE_MIN
from cafdiag.donnees.registres_points import lire_couple
from cafdiag.territoires.normalisation import normaliser

_NUMERO = r"\d{1,4}( ?(bis|ter|quater|[a-dA-D]))?"
# La clé d'interopérabilité d'une adresse (« 33063_1234_00012 ») commence par le code de la commune.
_CLE_INTEROP = r"^(\d[\dABab]\d{3})_.*$"

_VOIES = {
    "av": "avenue", "ave": "avenue", "bd": "boulevard", "bld": "boulevard", "boul": "boulevard", "r": "rue",
    "pl": "place", "rte": "route", "che": "chemin", "chem": "chemin", "ch": "chemin", "imp": "impasse", "all": "allee",
    "sq": "square", "crs": "cours", "res": "residence", "lot": "lotissement", "fg": "faubourg", "fbg": "faubourg",
}  # fmt: skip


def poser_points(utiles: pd.DataFrame, compte: Compte, remarques: list[str], *, tolerant: bool) -> pd.DataFrame:
    """La demande de rattachement : la case d'un point devient ``lon`` et ``lat``.

    Une case illisible est un défaut ; dans une liste publique (``tolerant``), la structure reste, sans point.
    """
    demande = utiles.copy()
    if "code" in demande:
        demande["code"] = demande["code"].str.replace(_CLE_INTEROP, r"\1", regex=True)
    if "code_postal" in demande:
        # Un code postal lu comme un nombre a perdu son zéro.
        demande["code_postal"] = demande["code_postal"].str.replace(r"^(\d{4})(\.0)?$", r"0\1", regex=True)
        demande["code_postal"] = demande["code_postal"].str.replace(r"^(\d{5})\.0$", r"\1", regex=True)
    if "score_geocodage" in utiles:
        # Une adresse mal reconnue ne dit ni le point, ni la commune : rien de ce que le géocodeur en a tiré ne sert.
        faible = nombre(utiles["score_geocodage"])[0].lt(SCORE_MIN)
        for champ in ("code", "commune", "code_postal", "lon", "lat"):
            if champ in demande and (champ in ("lon", "lat") or _du_geocodeur(compte, champ)):
                demande[champ] = demande[champ].mask(faible, "")
        if faible.any():
            remarques.append(f"{int(faible.sum())} géocodage(s) au score trop faible, non repris")
    if "point" not in utiles:
        return demande
    couples = utiles["point"].map(lire_couple)
    demande["lon"] = couples.map(lambda c: c[0] if c else "").astype("str")
    demande["lat"] = couples.map(lambda c: c[1] if c else "").astype("str")
    illisibles = utiles.index[couples.isna() & utiles["point"].ne("")]
    if tolerant and len(illisibles):
        remarques.append(f"{len(illisibles)} point(s) illisible(s), laissé(s) vide(s)")
    elif len(illisibles):
        compte.ajouter([(i, "point", utiles["point"][i], "un point, comme 48.07, -0.77") for i in illisibles])
    return demande


def _du_geocodeur(compte: Compte, champ: str) -> bool:
    return compte.entetes.get(champ, "").lower().startswith("result_")


def degrader_les_points(table: pd.DataFrame, utiles: pd.DataFrame) -> list[str]:
    """Un géocodage qui n'a trouvé que la commune n'est pas un point d'adresse."""
    if "precision_geocodage" not in utiles:
        return []
    doute = utiles["precision_geocodage"].isin(["municipality", "city"]) & table["lon"].notna()
    if not doute.any():
        return []
    table.loc[doute, ["lon", "lat"]] = float("nan")
    table.loc[doute, "precision_lieu"] = "commune"
    return [f"{int(doute.sum())} géocodage(s) à la commune seulement : le point de la structure n'est pas connu"]


def avec_numero(numeros: pd.Series, adresses: pd.Series) -> pd.Series:
    """L'adresse précédée de son numéro de rue, si elle ne le porte pas déjà.

    >>> avec_numero(pd.Series(["12", "3"]), pd.Series(["rue Pasteur", "5 place du Marché"])).tolist()
    ['12 rue Pasteur', '5 place du Marché']
    """
    utile = numeros.str.fullmatch(_NUMERO) & ~adresses.fillna("").str.match(r"\s*\d") & adresses.notna()
    return adresses.where(~utile, numeros + " " + adresses.fillna(""))


def meme_voie(adresse: str) -> str:
    """Adresse réduite à ce qui la distingue : « 12 av. de Paris » vaut « 12, avenue de Paris ».

    >>> meme_voie("12 av. de Paris") == meme_voie("12, Avenue de PARIS")
    True
    >>> meme_voie("5 bis rue X") == meme_voie("5 rue X")
    False
    """
    mots = re.sub(r"\b(\d+) (bis|ter|quater)\b", r"\1\2", normaliser(adresse)).split()
    return " ".join(_VOIES.get(m, m) for m in mots if m not in ("de", "du", "des", "la", "le", "les", "l", "d"))
