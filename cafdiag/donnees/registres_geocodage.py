"""Géocoder des adresses de structures par la Base adresse nationale : en option, jamais d'office.

Rien dans le projet n'appelle cette fonction : l'utilisateur la lance lui-même, en sachant que les adresses
(et elles seules) partent vers le serveur. Les assistants maternels n'y passent jamais.
"""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass

import pandas as pd

from cafdiag.donnees.registres_points import localiser
from cafdiag.erreurs import DemandeFausse

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
        return None, f"le serveur n'a pas répondu ({getattr(cause, 'reason', None) or cause})"
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
