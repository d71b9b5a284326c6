"""Les périmètres libres dont des chiffres confidentiels ont été montrés : un journal, dans le dossier de l'utilisateur.

Deux périmètres voisins montrés l'un après l'autre se trahissent par différence. Ceux d'avant sont donc connus de
ceux d'après, sans qu'on ait à les déclarer ; en oublier un est un choix de l'utilisateur.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

import pandas as pd

from cafdiag import magasin
from cafdiag.erreurs import TerritoireInconnu
from cafdiag.geographie import geographie
from cafdiag.territoires.gardes import dossier_montres, lus_dans, prochain_rang
from cafdiag.territoires.resolution import perimetre


def retenir(communes: Iterable[str]) -> None:
    """Inscrit un périmètre montré ; déjà inscrit, il garde sa place.

    Parameters
    ----------
    communes : iterable of str
        Codes de ses communes.

    Raises
    ------
    ProductionImpossible
        Le journal ne peut pas être tenu.
    """
    communes = sorted(communes)
    chemin = dossier_montres() / f"{perimetre('périmètre', communes).code}.json"
    if not chemin.exists():
        contenu = {"cog": geographie(), "rang": prochain_rang(), "communes": communes}
        magasin.ecrire_atomique(chemin, json.dumps(contenu, ensure_ascii=False, indent=1))


def perimetres_montres() -> pd.DataFrame:
    """Le journal, du premier montré au dernier.

    Returns
    -------
    DataFrame
        ``code``, ``communes`` (nombre), ``codes`` (réunis par « + », ce qu'attend ``cd.territoire``).
    """
    lignes = [(code, len(communes), "+".join(communes)) for _, code, communes in sorted(lus_dans(dossier_montres()))]
    return pd.DataFrame(lignes, columns=["code", "communes", "codes"])


def oublier_montres(codes: str | None = None) -> int:
    """Oublie un périmètre montré, ou tous : ceux d'après se jugeront sans le connaître.

    Parameters
    ----------
    codes : str, optional
        Son code (« P-… ») ou ceux de ses communes, « 53012+53084 » ; tous par défaut.

    Returns
    -------
    int
        Nombre de périmètres oubliés.

    Raises
    ------
    TerritoireInconnu
        Ce périmètre n'est pas au journal.
    """
    connus = perimetres_montres()
    vises = set(connus["code"])
    if codes is not None:
        code = codes.strip()
        vises &= {code if code.startswith("P-") else perimetre("périmètre", code).code}
        if not vises:
            raise TerritoireInconnu(
                codes,
                propositions=connus["codes"].head(5).tolist(),
                attendu="un périmètre du journal (« cafdiag perimetre montres »)",
            )
    for code in vises:
        (dossier_montres() / f"{code}.json").unlink(missing_ok=True)
    return len(vises)
