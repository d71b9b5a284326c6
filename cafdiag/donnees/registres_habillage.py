"""Les lignes d'un tableau qui ne sont pas des structures : totaux, sous-totaux, sources, notes, intertitres.

Elles sont rangées de côté et comptées, jamais lues comme une structure ni prises pour un défaut.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from cafdiag.donnees.nettoyage import MANQUANTS
from cafdiag.donnees.registres_champs import types_dits
from cafdiag.territoires.normalisation import normaliser

TOTAL, NOTE, INTERTITRE, ENTETE, TRAIT = (
    "ligne de total",
    "note ou source sous le tableau",
    "intertitre du tableau",
    "en-tête répété",
    "ligne de séparation",
)
_MOT_TOTAL = re.compile(
    r"^(s|ss|st|saint|sous)? ?(grand )?tota(l|ux)\b|\b(total|totaux)( general| generaux)?$|^total\b|^cumul\b|^somme\b|"
    r"^recapitulatif\b|^moyenne\b|^ensemble (du |de la |de l |des |de )|^ensemble$|^dont\b|^soit (un total|\d)|"
    r"^(nombre|nb) (total|de (structures?|places|creches|etablissements|lignes))\b"
)
# « S/T Craon », « S-T », « ST : » : l'abrégé se reconnaît à son signe, « St Denis » est un saint.
_SIGLE_TOTAL = re.compile(r"^\s*(s\s*[/.]\s*t(otal)?|s\.-?t\.|s-t|sst|st\s*:)(\b|\s|\.|$)", re.IGNORECASE)
_MOT_NOTE = re.compile(
    r"^(sources?|notes?|nb|n b|nota( bene)?|champ|lecture|legende|remarques?|avertissement|attention|precisions?|"
    r"mise a jour|mis a jour|maj|date de mise a jour|derniere mise a jour|"
    r"donnees? (au|de|du|issues|extraites|provisoires)|"
    r"situation au|extraction|extrait (le|de)|edite le|edition du|imprime le|fait a|page \d|copyright|©|realisation|"
    r"producteur|contact|fichier|export|document|liste (des|arretee)|tableau|pour toute)\b"
)
_MARQUE_NOTE = re.compile(r"^\s*(\*+\s*\S|\(\d\)\s|\[\d\]\s|\d\)\s|©|→|=>|NB\s*:|N\.B\.)", re.IGNORECASE)
_LIEU = re.compile(
    r"^(commune|ville|canton|secteur|epci|cc|ca|cu|communaute|agglomeration|territoire|arrondissement|quartier|"
    r"departement|bassin|pole|zone|circonscription|intercommunalite|caf|msa)\b"
)
_QUI_SITUE = ("code", "adresse", "lon", "lat", "point", "commune", "code_postal")


def nature(cases: Sequence[str], lus: Mapping[str, str], entetes: Sequence[str]) -> str:
    """Ce qu'est une ligne qui n'est pas une structure ; vide si c'en est peut-être une.

    Parameters
    ----------
    cases : sequence of str
        Toutes les cases de la ligne.
    lus : mapping
        Champ reconnu → valeur.
    entetes : sequence of str
        En-têtes du tableau.

    Examples
    --------
    >>> entetes = ["Nom", "Code", "Places"]
    >>> nature(["S/Total Craon", "53084", "25"], {"nom": "S/Total Craon", "code": "53084"}, entetes)
    'ligne de total'
    >>> nature(["Source : PMI", "", ""], {"nom": "Source : PMI"}, entetes)
    'note ou source sous le tableau'
    >>> nature(["Les Lutins", "53084", "25"], {"nom": "Les Lutins", "code": "53084"}, entetes)
    ''
    """
    pleines = [c for c in cases if c.strip()]
    if not pleines:
        return TRAIT
    if all(not re.search(r"\w", c) for c in pleines):
        return TRAIT
    reprises = [c for c, e in zip(cases, entetes, strict=False) if c and normaliser(c) == normaliser(e)]
    if len(pleines) > 1 and len(reprises) == len(pleines):
        return ENTETE
    if _total(pleines, lus):
        return TOTAL
    premiere = pleines[0]
    if len(pleines) <= 2 and not lus.get("code"):
        mots = normaliser(premiere)
        seule = len(pleines) == 1 and len(entetes) > 2
        if _MARQUE_NOTE.match(premiere) or (_MOT_NOTE.match(mots) and (seule or premiere.rstrip().endswith(":"))):
            return NOTE
        if seule and (len(premiere) > 90 or len(mots.split()) > 14):
            return NOTE
        if seule and (_LIEU.match(mots) or _titre_de_type(premiere) or not lus.get("nom")):
            return INTERTITRE
    return ""


def _total(pleines: Sequence[str], lus: Mapping[str, str]) -> bool:
    """Un mot de total en tête du nom, de la première case ou d'une case qui devrait nommer un lieu."""
    situee = any(lus.get(c) for c in _QUI_SITUE)
    dits = [lus.get("nom", ""), pleines[0], lus.get("commune", ""), lus.get("type", "")]
    for texte in dict.fromkeys(t for t in dits if t):
        mots = normaliser(texte)
        if _SIGLE_TOTAL.match(texte):
            return True
        trouve = _MOT_TOTAL.search(mots)
        # « Ensemble » ou « Cumulus » nomment aussi des lieux : sans commune ni adresse, ce n'en est pas un.
        sur = trouve and ("tota" in trouve[0] or trouve[0] == "dont")
        if (sur and not lus.get("adresse")) or (trouve and not situee):
            return True
    # Rien que des nombres : la somme d'une colonne, sans son nom.
    anonyme = not any(lus.get(c) for c in ("nom", *_QUI_SITUE))
    chiffres = [c for c in pleines if c.lower() not in MANQUANTS]
    return anonyme and bool(chiffres) and all(re.fullmatch(r"[\d \u00a0\u202f.,%]+", c) for c in chiffres)


def est_un_cumul(nom: str) -> bool:
    """Vrai si un nom peut être celui d'un cumul : les nombres diront s'il en est un.

    >>> est_un_cumul("Ensemble"), est_un_cumul("Les Lutins"), est_un_cumul("Commune de Craon")
    (True, False, True)
    """
    mots = normaliser(nom)
    return bool(_MOT_TOTAL.search(mots) or _LIEU.match(mots))


def _titre_de_type(texte: str) -> bool:
    """« Micro-crèches », « CRÈCHES COLLECTIVES » : un pluriel ou un type seul titre ce qui suit."""
    mots = normaliser(texte).split()
    return bool(types_dits(texte)) and len(mots) <= 4 and any(m.endswith(("s", "x")) for m in mots)
