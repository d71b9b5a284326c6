"""Ce qui a déjà été calculé, gardé sur le poste d'un lancement à l'autre : rouvrir un territoire est immédiat.

Des mesures, et les grandes tables qu'on assemble de l'embarqué et de l'importé : un fichier chacune, dans un dossier
que nomment le code, les tables embarquées, l'entrepôt et les bibliothèques. Que l'un change, et rien de l'ancien
dossier n'est relu. Jamais l'horloge, jamais une donnée confidentielle, jamais ce qu'un usager apporte sur la ligne de
commande. Un fichier absent, abîmé ou illisible n'est qu'un calcul à refaire.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import platform
import shutil
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import pandas as pd

from cafdiag import magasin
from cafdiag.empreintes_du_code import sha256, version_de, version_du_code
from cafdiag.erreurs import ProductionImpossible
from cafdiag.geographie import geographie

# « CAFDIAG_MEMOIRE= » (vide) : rien n'est gardé ni relu.
VARIABLE = "CAFDIAG_MEMOIRE"
# Une suite de mesures pèse une centaine de ko : au plus une trentaine de Mo par poste.
_FICHIERS_GARDES = 300
_BIBLIOTHEQUES = ("pandas", "numpy", "scipy", "pyarrow", "pyproj")


def dossier() -> Path | None:
    """Où sont les mesures gardées ; rien si l'on n'en veut pas."""
    if VARIABLE in os.environ:
        return Path(os.environ[VARIABLE]) if os.environ[VARIABLE] else None
    import platformdirs

    return Path(platformdirs.user_cache_dir("cafdiag", appauthor=False)) / "mesures"


@lru_cache(maxsize=4)
def _etat_du_calcul(etat: tuple, annee: int) -> str:
    tables = (magasin.dossier("data") / "empreintes.json").read_bytes().replace(b"\r\n", b"\n")
    versions = [platform.python_version(), *(version_de(nom) for nom in _BIBLIOTHEQUES)]
    return sha256(json.dumps([version_du_code(), sha256(tables), etat, annee, versions]))[:24]


def _fichier(etat: tuple, cle: tuple) -> Path | None:
    ici = dossier()
    if ici is None:
        return None
    # ``repr`` d'une clé faite de textes, de nombres et d'Options : la même chaîne dans chaque processus.
    nom = "-".join(cle) if cle[0] == "table" else f"mesures-{sha256(repr(cle))[:32]}"
    return ici / _etat_du_calcul(etat, geographie()) / f"{nom}.parquet"


def relire(etat: tuple, cle: tuple) -> pd.DataFrame | None:
    """Les mesures gardées sous cette clé, pour cet état de l'entrepôt ; None s'il n'y en a pas."""
    fichier = _fichier(etat, cle)
    if fichier is None or not fichier.is_file():
        return None
    try:
        octets = fichier.read_bytes()
        marque, contenu = octets[:64], octets[64:]
        return pd.read_parquet(io.BytesIO(contenu)) if marque == sha256(contenu).encode() else None
    except (OSError, ValueError):
        return None


def garder(etat: tuple, cle: tuple, table: pd.DataFrame) -> None:
    """Garde des mesures sous cette clé ; un dossier interdit ou un disque plein n'arrête rien."""
    fichier = _fichier(etat, cle)
    if fichier is None:
        return
    flux = io.BytesIO()
    table.to_parquet(flux, compression="zstd")
    contenu = flux.getvalue()
    with contextlib.suppress(OSError, ProductionImpossible):
        if not fichier.parent.is_dir():
            _oublier_les_autres(fichier.parent)
        anciens = sorted(fichier.parent.glob("mesures-*.parquet"), key=lambda f: f.stat().st_mtime)
        for ancien in anciens[:-_FICHIERS_GARDES]:
            ancien.unlink(missing_ok=True)
        magasin.ecrire_atomique(fichier, sha256(contenu).encode() + contenu)


def assemblee(nom: str, etat: tuple, assembler: Callable[[], pd.DataFrame]) -> pd.DataFrame:
    """Une table qu'on assemble de l'entrepôt : relue si elle l'a déjà été dans cet état, sinon assemblée et gardée.

    Sans import, l'assemblage est plus court que la relecture : rien n'est gardé.
    """
    if not etat:
        return assembler()
    table = relire(etat, ("table", nom))
    if table is None:
        table = assembler()
        # Parquet rend en textes d'Arrow bien des colonnes d'objets : on garde leurs noms avec elles.
        a_garder = table.copy(deep=False)
        a_garder.attrs["objets"] = table.columns[table.dtypes.eq(object)].tolist()
        garder(etat, ("table", nom), a_garder)
        return table
    return table.astype(dict.fromkeys(table.attrs.pop("objets", ()), object))


def _oublier_les_autres(garde: Path) -> None:
    """Ôte les plus anciens dossiers d'un autre état : on revient souvent au précédent, jamais à dix d'avant."""
    autres = [d for d in garde.parent.glob("*") if d.is_dir()] if garde.parent.is_dir() else []
    for dossier_ in sorted(autres, key=lambda d: d.stat().st_mtime)[:-4]:
        shutil.rmtree(dossier_, ignore_errors=True)
