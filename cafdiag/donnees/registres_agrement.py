"""L'agrément d'une structure : ce qui n'est pas agréé ne compte pas, une échéance passée se dit.

La date de référence est le 31 décembre de l'année du registre, ou aujourd'hui s'il n'en dit pas.
"""

from __future__ import annotations

import datetime as dt
import re

import pandas as pd

from cafdiag.donnees.compte_rendu import Compte
from cafdiag.donnees.nettoyage import MANQUANTS
from cafdiag.donnees.registres_champs import AGREMENTS, CHAMPS, choisir
from cafdiag.territoires.normalisation import normaliser

VALENT = ("agree", "renouvellement")
# Du plus net au plus vague : « agrément refusé » contient « agrément », « renouvellement refusé » aussi.
_MOTIFS = {
    "non_agree": r"\b(non|pas|plus|sans|aucun|hors)\b|refus|rejet|retir|retrait|suspen|abrog|annul|expir|echu|perim|"
    r"caduc|resili|denonc|defavorable|\bfin d|termine|clos",
    "prefiguration": r"prefigur",
    "renouvellement": r"renouvel|reconduct|reconduit|proroge|prolonge",
    "en_cours": r"\ben cours (d agrement|d instruction|d examen|de demande|d etude)|instruction|demande|depose|"
    r"\battente\b|projet|a l etude|examen|sollicit|envisage",
    "agree": r"\bagree?e?s?\b|\bagrement\b|\bvalid|\baccord|favorable|\blabel|convention|\bactif|"
    r"\bobtenu|delivre|en vigueur",
}

_MUETS = frozenset({"", "sans objet", "non concerne", "non concernee", "non renseigne", "a preciser", "inconnu", "nc"})
# « Agréé jusqu'au 31/12/2023 », « agrément 2022-2025 » : l'échéance est dans le statut.
_FIN_DITE = re.compile(
    r"(?:jusqu|expire|[ée]ch[ée]ance|valable|\bfin)\D{0,20}?(?:(\d{1,2})[/.\-](\d{1,2})[/.\-])?((?:19|20)\d\d)\b"
    r"|\b20\d\d\s*[-–/à]\s*((?:20)\d\d)\b",
    re.IGNORECASE,
)


def fin_dite(texte: str) -> dt.date | None:
    """Échéance écrite dans le statut lui-même ; une année seule vaut son dernier jour.

    >>> fin_dite("Agréé jusqu'au 30/06/2023"), fin_dite("agrément 2022-2025"), fin_dite("Agréé")
    (datetime.date(2023, 6, 30), datetime.date(2025, 12, 31), None)
    """
    trouve = _FIN_DITE.search(texte)
    if trouve is None:
        return None
    jour, mois, annee, derniere = trouve.groups()
    try:
        return dt.date(int(annee or derniere), int(mois or 12), int(jour or 31))
    except ValueError:
        return None


def lire_agrement(texte: str) -> str | None:
    """Statut d'agrément que dit un texte ; vide s'il n'en parle pas, None s'il est illisible.

    >>> [lire_agrement(t) for t in ("Agréé", "Agrément suspendu", "renouvellement refusé", "En cours de validité")]
    ['agree', 'non_agree', 'non_agree', 'agree']
    >>> [lire_agrement(t) for t in ("Demande déposée", "agréé jusqu'en 2027", "Plus agréé", "bof")]
    ['en_cours', 'agree', 'non_agree', None]
    """
    exact = choisir(CHAMPS["statut_agrement"], texte)
    if exact:
        return exact
    mots = normaliser(texte)
    if mots in _MUETS or texte.lower() in MANQUANTS:
        return ""
    if "en cours de validite" in mots or fin_dite(texte):
        return "agree"
    return next((statut for statut, motif in _MOTIFS.items() if re.search(motif, mots)), None)


def reference(annee) -> dt.date:
    """Le jour où l'on juge une structure : fin de l'année du registre, aujourd'hui s'il n'en dit pas."""
    return dt.date.today() if pd.isna(annee) else dt.date(int(annee), 12, 31)


def ecarter_non_agrees(table: pd.DataFrame, textes: pd.Series | None, compte: Compte) -> list[str]:
    """Range de côté ce qui n'est pas agréé à la date de référence ; rend ce qu'il faut dire du reste."""
    remarques: list[str] = []
    vides = pd.Series("", index=table.index)
    statuts = table.get("statut_agrement", vides).fillna("")
    fins = table.get("date_fin_agrement", pd.Series(pd.NaT, index=table.index))
    if textes is not None:
        ecrites = pd.Series({i: fin_dite(t) for i, t in textes.items()}, dtype=object)
        fins = fins.where(fins.notna(), pd.to_datetime(ecrites.reindex(table.index)))
    debuts = table.get("date_agrement", pd.Series(pd.NaT, index=table.index))
    for i in table.index:
        jour, statut = reference(table["annee"][i]), statuts[i]
        if statut and statut not in VALENT:
            libelle = AGREMENTS[statut][0].lower()
            compte.ecarts.setdefault(i, f"agrément : {libelle}, ne compte pas")
        elif pd.notna(fins[i]) and fins[i].date() < jour:
            compte.ecarts.setdefault(i, f"agrément échu depuis le {fins[i]:%d/%m/%Y}, ne compte pas")
        elif pd.notna(debuts[i]) and debuts[i].date() > jour:
            compte.ecarts.setdefault(i, f"agrément à partir du {debuts[i]:%d/%m/%Y}, ne compte pas encore")
        elif i in compte.ecarts or compte.defauts[i]:
            continue
        elif pd.notna(fins[i]) and fins[i].date() < dt.date.today():
            remarques.append(
                f"{compte.ou(i)} : agrément échu depuis le {fins[i]:%d/%m/%Y}, compté pour {jour.year} seulement"
            )
        elif statut == "renouvellement":
            remarques.append(f"{compte.ou(i)} : agrément en renouvellement, compté")
    return remarques
