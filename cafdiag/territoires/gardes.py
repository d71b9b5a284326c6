"""Les périmètres gardés sous un nom, dans le dossier de l'utilisateur : un fichier chacun, écrit d'un coup."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pandas as pd

from cafdiag import magasin
from cafdiag.erreurs import DemandeFausse, DonneesAbimees, TerritoireInconnu, en_clair
from cafdiag.geographie import geographie
from cafdiag.territoires.normalisation import normaliser
from cafdiag.territoires.referentiel import Territoire


def dossier() -> Path:
    """Dossier des périmètres gardés."""
    return magasin.dossier_utilisateur() / "perimetres"


def dossier_montres() -> Path:
    """Dossier du journal des périmètres montrés (:mod:`cafdiag.territoires.montres`)."""
    return magasin.dossier_utilisateur() / "montres"


def _chemin(nom: str) -> Path:
    cle = normaliser(nom).replace(" ", "-")
    if len(cle) > 80:
        # Deux noms longs qui commencent de même ne sont pas le même nom.
        cle = f"{cle[:70]}-{hashlib.sha256(cle.encode()).hexdigest()[:8]}"
    if not cle:
        raise DemandeFausse(
            f"nom de périmètre « {nom} »",
            attendu="des lettres ou des chiffres",
            conseil="par exemple « Pôle sud »",
        )
    return dossier() / f"{cle}.json"


def garder_perimetre(lieu: Territoire) -> Path:
    """Garde un périmètre sous son nom ; un périmètre de même nom est remplacé.

    Parameters
    ----------
    lieu : Territoire
        Périmètre, commune ou EPCI. Accents, casse et tirets ne distinguent pas deux noms.

    Returns
    -------
    Path
        Fichier écrit, que ``cd.perimetre(nom)`` relit.

    Raises
    ------
    DemandeFausse
        Maille qui ne se compose pas de communes entières, nom sans lettre ni chiffre.
    ProductionImpossible
        Dossier de l'utilisateur interdit ou plein ; l'ancien périmètre est intact.
    """
    if lieu.maille not in ("perimetre", "commune", "epci"):
        raise DemandeFausse(
            f"« {lieu.libelle} » ne se garde pas", attendu="un périmètre, une commune ou un EPCI"
        )
    contenu = {
        "nom": lieu.nom,
        "cog": geographie(),
        "rang": prochain_rang(),
        "communes": list(lieu.communes),
    }
    return magasin.ecrire_atomique(_chemin(lieu.nom), json.dumps(contenu, ensure_ascii=False, indent=1))


def communes_gardees(nom: str) -> tuple[str, list[str]]:
    """Nom et communes d'un périmètre gardé.

    Raises
    ------
    TerritoireInconnu
        Aucun périmètre de ce nom ; les noms connus sont proposés.
    DonneesAbimees
        Fichier illisible.
    """
    chemin = _chemin(nom)
    try:
        contenu = json.loads(chemin.read_text(encoding="utf-8"))
        return str(contenu["nom"]), [str(code) for code in contenu["communes"]]
    except FileNotFoundError:
        connus = perimetres_gardes()["nom"].tolist()
        raise TerritoireInconnu(
            nom,
            propositions=connus,
            attendu="le nom d'un périmètre gardé",
            conseil="" if connus else f"gardez-le d'abord : cafdiag perimetre garder \"{nom}\" CODE+CODE",
        ) from None
    except (OSError, ValueError, KeyError, TypeError) as cause:
        raise DonneesAbimees(
            chemin.name,
            f"périmètre illisible ({en_clair(cause)})",
            conseil=f"supprimez {chemin} et composez-le à nouveau",
        ) from cause


def perimetres_gardes() -> pd.DataFrame:
    """Les périmètres gardés.

    Returns
    -------
    DataFrame
        ``nom``, ``communes`` (nombre), ``codes`` (réunis par « + », ce qu'attend ``cd.territoire``), par
        nom. Un fichier abîmé est passé : le lire par son nom dit ce qu'il a.
    """
    lignes = []
    for chemin in sorted(dossier().glob("*.json")):
        try:
            nom, codes = communes_gardees(chemin.stem)
        except DonneesAbimees:
            continue
        lignes.append({"nom": nom, "communes": len(codes), "codes": "+".join(codes)})
    return pd.DataFrame(lignes, columns=["nom", "communes", "codes"])


def gardes_en_rang() -> tuple[tuple[str, ...], ...]:
    """Communes de chaque périmètre gardé ou montré, du premier au dernier : le secret les suppose montrés ainsi."""
    return tuple(dict.fromkeys(communes for _, communes in sorted(_en_rang())))


def prochain_rang() -> int:
    """Rang du prochain périmètre gardé ou montré."""
    return max((rang for rang, _ in _en_rang()), default=0) + 1


def _en_rang() -> list[tuple[int, tuple[str, ...]]]:
    return [(rang, communes) for rang, _, communes in lus_dans(dossier(), dossier_montres())]


def lus_dans(*dossiers: Path) -> list[tuple[int, str, tuple[str, ...]]]:
    """Rang, nom de fichier et communes de chaque périmètre ; un fichier abîmé est passé : le lire dit ce qu'il a."""
    lus = []
    for chemin in sorted(chemin for ici in dossiers for chemin in ici.glob("*.json")):
        try:
            contenu = json.loads(chemin.read_text(encoding="utf-8"))
            lus.append((int(contenu.get("rang", 0)), chemin.stem, tuple(str(code) for code in contenu["communes"])))
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            continue
    return lus


def oublier_perimetre(nom: str) -> None:
    """Ôte un périmètre gardé.

    Raises
    ------
    TerritoireInconnu
        Aucun périmètre de ce nom.
    """
    communes_gardees(nom)
    _chemin(nom).unlink()
