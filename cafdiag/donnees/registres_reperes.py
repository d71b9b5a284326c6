"""Les repères d'une liste publique : un point dans une seule case, un numéro de rue à part, un géocodage incertain."""

from __future__ import annotations

import http.client
import json
import re
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass

import pandas as pd

from cafdiag.donnees.compte_rendu import Compte
from cafdiag.donnees.nettoyage import nombre
from cafdiag.donnees.registres_lieux import lire_couple, localiser
from cafdiag.erreurs import DemandeFausse, en_clair
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
        demande["code_postal"] = demande["code_postal"].str.replace(r"^F[- ]?(?=\d{5}$)", "", regex=True)
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


SERVEUR = "https://data.geopf.fr/geocodage"
SCORE_MIN = 0.6
_PRECIS = frozenset({"housenumber", "street", "locality"})
_REPONSE_MAX = 1_000_000


@dataclass(frozen=True)
class Geocodage:
    """Table complétée, et une phrase par adresse restée sans point."""

    table: pd.DataFrame
    remarques: tuple[str, ...]


def geocoder(structures: pd.DataFrame, *, serveur: str = SERVEUR, delai: float = 10.0) -> Geocodage:
    """Cherche le point des structures qui ont une adresse et n'en ont pas.

    Un point n'est gardé que si le score atteint 0,6, s'il désigne une adresse, une rue ou un lieu-dit (pas
    la commune entière) et s'il est dans la commune déclarée. Sinon la structure reste à sa commune, et la
    raison est dite.

    Parameters
    ----------
    structures : DataFrame
        Table canonique ``structures``.
    serveur : str
        Racine du service (``/search`` y est ajouté).
    delai : float
        Secondes d'attente par adresse.

    Raises
    ------
    DemandeFausse
        Le serveur n'est pas une adresse http(s), ou la table n'est pas une table de structures.
    """
    if urllib.parse.urlsplit(serveur).scheme not in ("http", "https"):
        raise DemandeFausse(f"serveur de géocodage : « {serveur} »", attendu="une adresse http ou https")
    manquantes = [c for c in ("nom", "code", "adresse", "lon", "lat") if c not in structures]
    if manquantes:
        raise DemandeFausse(
            "colonnes absentes : " + ", ".join(manquantes),
            attendu="une table de structures",
            conseil="les assistants maternels ne se géocodent pas",
        )
    table, remarques = structures.copy(), []
    for i in table.index[table["lon"].isna() & table["adresse"].notna() & table["code"].notna()]:
        point, raison = _chercher(table["adresse"][i], table["code"][i], serveur, delai)
        if point is None:
            remarques.append(f"{table['nom'][i]} : {raison}")
            continue
        table.loc[i, ["lon", "lat"]] = point
        if "precision_lieu" in table:
            table.loc[i, "precision_lieu"] = "point"
    return Geocodage(table, tuple(remarques))


def _panne(cause: Exception) -> str:
    if isinstance(cause, urllib.error.HTTPError):
        return f"réponse {cause.code}"
    dessous = getattr(cause, "reason", None)
    return en_clair(dessous if isinstance(dessous, Exception) else cause)


def _chercher(adresse: str, code: str, serveur: str, delai: float) -> tuple[tuple | None, str]:
    question = urllib.parse.urlencode({"q": adresse.lstrip("'")[:200], "citycode": code, "limit": 1})
    try:
        with urllib.request.urlopen(f"{serveur.rstrip('/')}/search?{question}", timeout=delai) as reponse:
            lu = json.loads(reponse.read(_REPONSE_MAX))
        trouve = lu["features"][0] if lu["features"] else None
        if trouve is None:
            return None, "adresse introuvable"
        proprietes = trouve["properties"]
        lon, lat = (float(c) for c in trouve["geometry"]["coordinates"])
        score, genre, commune = float(proprietes["score"]), proprietes["type"], proprietes["citycode"]
    except (OSError, urllib.error.URLError, http.client.HTTPException) as cause:
        return None, f"le serveur n'a pas répondu ({_panne(cause)})"
    except (ValueError, KeyError, TypeError, IndexError):
        return None, "réponse du serveur illisible"
    if commune != code:
        return None, f"l'adresse trouvée est dans une autre commune ({commune})"
    if score < SCORE_MIN:
        return None, f"adresse trop incertaine (score {score:.2f})".replace(".", ",")
    if genre not in _PRECIS:
        return None, "seule la commune a été trouvée"
    if localiser(lon, lat).defaut:
        return None, "réponse du serveur illisible"
    return (lon, lat), ""
