"""Les portails Opendatasoft : total annoncé, export entier, sinon les pages une à une."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from cafdiag.donnees.arrivee import controler
from cafdiag.donnees.catalogue import Adresse, Source
from cafdiag.donnees.transport import ReglagesDeTransport, Suivi, TelechargementImpossible, lire_json

PAGE = 100


def total_annonce(adresse: Adresse, reglages: ReglagesDeTransport, remarques: list[str]) -> int | None:
    """Nombre d'enregistrements qu'annonce le portail : il juge l'export, qui n'a pas de taille annoncée."""
    try:
        reponse = lire_json(f"{adresse.url_pages}?limit=0", reglages)
        total = reponse.get("total_count") if isinstance(reponse, dict) else None
        if isinstance(total, int) and total >= 0:
            return total
        remarques.append("le portail ne dit pas combien d'enregistrements il a")
    except TelechargementImpossible as panne:
        if panne.statut in (401, 403, 404, 410):
            raise
        remarques.append("le portail n'a pas dit combien d'enregistrements il a")
    return None


def par_pages(
    source: Source,
    adresse: Adresse,
    brouillon: Path,
    reglages: ReglagesDeTransport,
    suivi: Suivi | None,
    total: int,
    cause: Exception,
) -> Path:
    """Les pages de 100, jusqu'au total que le portail annonce à chaque page ; entières ou refusées."""
    lignes: list[dict] = []
    tri = ""
    while len(lignes) < total:
        demande: dict[str, Any] = {"limit": PAGE, "offset": len(lignes)}
        if tri:
            demande["order_by"] = tri
        try:
            page = lire_json(f"{adresse.url_pages}?{urlencode(demande)}", reglages)
        except TelechargementImpossible as panne:
            raise TelechargementImpossible(
                f"l'export entier a échoué ({cause}), et les pages s'arrêtent à {len(lignes)} sur {total} ({panne})",
                statut=panne.statut,
            ) from panne
        resultats = page.get("results") if isinstance(page, dict) else None
        annonce = page.get("total_count") if isinstance(page, dict) else None
        if not isinstance(resultats, list) or not resultats or not isinstance(annonce, int):
            raise TelechargementImpossible(
                f"les pages s'arrêtent à {len(lignes)} enregistrements sur {total} (export entier : {cause})"
            )
        if not tri:
            # Sans tri, deux pages peuvent se chevaucher : la première ne sert qu'à nommer les colonnes.
            tri = ",".join(list(resultats[0])[:4])
            total = annonce
            if total > PAGE:
                continue
        if annonce != total:
            raise TelechargementImpossible(
                f"le jeu change pendant qu'on le lit ({total} puis {annonce} enregistrements)",
                conseil="réessayez dans quelques minutes",
            )
        lignes += resultats
        if suivi:
            suivi(len(lignes), total)
        if len(lignes) > math.ceil(total / PAGE) * PAGE:
            break
    if len(lignes) != total:
        raise TelechargementImpossible(f"{len(lignes)} enregistrements reçus, {total} annoncés")
    if len({json.dumps(ligne, sort_keys=True) for ligne in lignes}) != total:
        raise TelechargementImpossible("les pages se chevauchent : des enregistrements reviennent deux fois")
    colonnes = list(dict.fromkeys(nom for ligne in lignes for nom in ligne))
    chemin = brouillon / f"pages-{source.fichier}"
    with chemin.open("w", encoding="utf-8-sig", newline="") as sortie:
        ecrivain = csv.writer(sortie, delimiter=";", lineterminator="\r\n")
        ecrivain.writerow(colonnes)
        ecrivain.writerows([_cellule(ligne.get(nom)) for nom in colonnes] for ligne in lignes)
    controler(chemin, "csv", total=total, colonnes=source.colonnes)
    return chemin


def _cellule(valeur: Any) -> str:
    if valeur is None:
        return ""
    return valeur if isinstance(valeur, str) else json.dumps(valeur, ensure_ascii=False)
