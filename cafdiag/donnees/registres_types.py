"""Le type d'une structure, reconnu de la même façon par tous les lecteurs : un mot exact, sinon un motif.

Une liste municipale écrit « Crèche », « Lieu d'accueil enfants-parents (LAEP) », « R.A.M. » ; le nom précise
parfois la catégorie (« Espace de vie sociale CantoJeunes » rangé en centre social).
"""

from __future__ import annotations

import re
from functools import lru_cache

from cafdiag.donnees.registres_champs import ASSISTANTS, CHAMPS, choisir
from cafdiag.territoires.normalisation import normaliser

ACCUEIL_INDIVIDUEL = "maison d'assistants maternels : de l'accueil individuel, pas une crèche"
_MAM = re.compile(r"\bmams?\b|\bmaisons? (d )?(assistante?s? maternel|accueil d assistante?s? maternel)")
# L'ordre compte : ce qui précède exclut ce qui suit dans le même groupe.
_MOTIFS = {
    "evs": r"\b(espaces?|et|lieu) (de )?vie sociale\b|\bevs\b",
    "centre_social": r"\bcentres? social(?:e|es)?\b|\bcentres? sociaux\b|\bcentres? socio ?culturels?\b|"
    r"\bcentre d animation sociale\b",
    "micro_creche": r"\bmicro ?creches?\b",
    "eaje": r"\bcreches?\b|\bmulti ?accueils?\b|\bhaltes? (garderies?|jeux)\b|\bhalte garderies?\b|"
    r"\bjardins? (d )?(enfants|eveil)\b|\bjardins? maternels?\b|\beaje\b|"
    r"\baccueils? (collectif|familial) (du|de|de la|des) (jeunes? enfants?|petite enfance)\b|"
    r"\betablissements? d accueil (du|de|des) jeunes? enfants?\b",
    "rpe": r"\brelais (de la )?petite enfance\b|\brelais (d |des )?(parents )?(et )?assistant|"
    r"\b(rpe|ram|ripe|rame|rpam)\b",
    "laep": r"\blieux? (d )?accueil (parents? )?enfants?( parents?)?\b|\baccueil (parents enfants|enfants parents)\b|"
    r"\blaep\b",
    "alsh": r"\b(accueils?|centres?) (de )?loisirs?\b|\b(alsh|clsh|acm)\b|\baccueils? collectifs? de mineurs\b",
    "france_services": r"\bfrance services?\b|\bmfs\b",
    "ps_jeunes": r"\bps jeunes\b|\bprestation de service jeunes\b",
}
_EXCLUT = {"evs": "centre_social", "micro_creche": "eaje"}
# Une crèche logée dans un centre social reste une crèche : ces catégories-là se passent du nom.
_SUFFISENT = frozenset({"eaje", "micro_creche", "alsh", "rpe", "laep", "ps_jeunes"})
_SIGLE = re.compile(r"\b(?:[A-Za-z]\.){2,}(?:[A-Za-z]\b)?")


@lru_cache(maxsize=4096)
def _mots(texte: str) -> str:
    return normaliser(_SIGLE.sub(lambda m: m[0].replace(".", ""), texte))


def accueil_individuel(*textes: str) -> bool:
    """Vrai si un nom ou une catégorie désigne une maison d'assistants maternels.

    >>> accueil_individuel("MAM Les P'tits Loups"), accueil_individuel("", "Maison d'assistantes maternelles")
    (True, True)
    >>> accueil_individuel("Relais assistants maternels")
    False
    """
    return any(_MAM.search(_mots(t)) for t in textes)


def types_dits(texte: str) -> tuple[str, ...]:
    """Types que dit une catégorie ou un nom, du vocabulaire exact puis des motifs ; vide si aucun.

    >>> types_dits("Crèche"), types_dits("Lieu d'accueil enfants-parents (LAEP)"), types_dits("R.A.M.")
    (('eaje',), ('laep',), ('rpe',))
    >>> types_dits("Centre social / France Services"), types_dits("Bibliothèque")
    (('centre_social', 'france_services'), ())
    """
    exact = choisir(CHAMPS["type"], texte)
    if exact:
        return (exact,)
    mots = _mots(texte)
    if not mots or _MAM.search(mots):
        return ()
    trouves = [t for t, motif in _MOTIFS.items() if re.search(motif, mots)]
    for fin, large in _EXCLUT.items():
        if fin in trouves and large in trouves:
            trouves.remove(large)
    return tuple(trouves)


def types_de(nom: str, categorie: str = "") -> tuple[str, ...]:
    """Types d'une structure d'une liste publique ; le nom corrige la catégorie.

    >>> types_de("Espace de vie sociale CantoJeunes", "Centre Social")
    ('evs',)
    >>> types_de("CS de Beaufort-en-Anjou", "Centre Social / France Services")
    ('centre_social', 'france_services')
    >>> types_de("Crèche du centre social", "Multi-accueil"), types_de("MAM Les P'tits Loups", "Crèche")
    (('eaje',), ())
    """
    if accueil_individuel(nom, categorie):
        return ()
    du_nom = [t for t in types_dits(nom) if t != ASSISTANTS]
    dits = [t for t in types_dits(categorie) if t != ASSISTANTS]
    for fin, large in _EXCLUT.items():
        if fin in du_nom and large in dits:
            dits[dits.index(large)] = fin
            du_nom = [t for t in du_nom if t != large]
    if dits and set(dits) <= _SUFFISENT:
        du_nom = []
    for fin, large in _EXCLUT.items():
        if fin in {*du_nom, *dits} and large not in dits:
            du_nom = [t for t in du_nom if t != large]
    return tuple(t for t in _MOTIFS if t in {*du_nom, *dits})
