"""Le corps des chapitres sociaux : parentalité, accès aux droits, logement, handicap et insertion."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from cafdiag.indicateurs import dictionnaire
from cafdiag.restitution.bloc import Donnees
from cafdiag.restitution.commentaires import commentaire
from cafdiag.restitution.corps import cles, paragraphe, tableau_des_structures
from cafdiag.restitution.lecture import accord
from cafdiag.restitution.structures import france_services_comptees, structures_montrees


@dataclass(frozen=True)
class Social:
    """Ce que montre un chapitre social.

    Attributes
    ----------
    cles : dict of str to str
        Indicateurs en chiffres clés, et leur intitulé à la suite du chiffre.
    structures : dict of str to tuple of str
        Types de structures nommées dans le chapitre : singulier et pluriel.
    """

    cles: dict[str, str]
    structures: dict[str, tuple[str, str]]


SOCIAUX: dict[str, Social] = {
    "parentalite": Social(
        {
            "PAR_LAEP_1000": "lieux d'accueil enfants-parents (LAEP) pour 1 000 enfants de moins de 6 ans",
            "PAR_RPE_COUV": "des moins de 3 ans dans une commune couverte par un relais (RPE)",
            "PAR_CLAS_100": "enfants accompagnés à la scolarité (CLAS) pour 100 élèves",
            "PAR_MEDIATION": "services de médiation familiale pour 100 000 habitants",
        },
        {
            "laep": ("lieu d'accueil enfants-parents", "lieux d'accueil enfants-parents"),
            "rpe": ("relais petite enfance", "relais petite enfance"),
        },
    ),
    "acces-aux-droits": Social(
        {
            "AD_FS_ACCES": "des habitants à moins de 20 minutes d'une France services (estimation)",
            "AD_POINTS_10K": "points d'accueil de la Caf pour 10 000 habitants",
            "AD_RDV_DROITS_1000": "rendez-vous des droits pour 1 000 foyers allocataires",
        },
        {"france_services": ("espace France services", "espaces France services")},
    ),
    "logement": Social(
        {
            "LOG_AL_PART": "des foyers allocataires ont une aide au logement ({annee})",
            "LOG_TX_EFFORT": "de taux d'effort médian",
            "LOG_IMPAYES_1000": "signalements d'impayés pour 1 000 foyers aidés",
            "LOG_FJT_LITS": "lits en foyer de jeunes travailleurs pour 1 000 jeunes",
        },
        {},
    ),
    "handicap-insertion": Social(
        {
            "PS_RSA": "des foyers allocataires ont le RSA ({annee})",
            "PS_PPA": "ont la prime d'activité",
            "PS_AAH": "ont l'AAH",
            "HAN_AEEH_100": "enfants avec l'AEEH pour 100 enfants",
            "SEP_TX_ACCOMP": "des séparations signalées accompagnées",
        },
        {},
    ),
}
_COMMENTES = 4
_COMPTE_DE_L_ANCT = "L'ANCT y compte"


def corps(theme: str) -> Callable[[Donnees], str]:
    """Le rendu du corps d'un chapitre social : chiffres clés, constats, structures."""
    social = SOCIAUX[theme]

    def rendre(donnees: Donnees) -> str:
        lecture = donnees.lecture
        sus = [c for c in dictionnaire(theme=theme).index if lecture.connu(c) or lecture.bornes(c)]
        comptes = _comptes(donnees, social)
        # Le nombre de France services, quand la phrase des listes vient de le dire, ne se redit pas.
        redits = {"AD_FS_NB"} if _COMPTE_DE_L_ANCT in comptes else set()
        dits = [c for c in dict.fromkeys((*social.cles, *sus)) if c in sus and c not in redits]
        dites = [commentaire(lecture, code) for code in dits[:_COMMENTES]]
        # Une limite que plusieurs chiffres partagent ne se dit qu'une fois, à la fin.
        limites = dict.fromkeys(f"{p.rstrip('.')}." for c in dites for p in c.limite.split(". ") if p)
        phrases = [p for c in dites for p in (c.niveau, c.rang, c.tendance) if p]
        return (
            cles(lecture, social.cles)
            + paragraphe(comptes, *phrases, *limites)
            + tableau_des_structures(donnees, tuple(social.structures))
        )

    return rendre


def _comptes(donnees: Donnees, social: Social) -> str:
    """« 2 espaces France services connus sur ce territoire. » ; rien si aucune liste n'en parle."""
    if not social.structures:
        return ""
    types = structures_montrees(donnees, tuple(social.structures))["type"].value_counts()
    comptes = [
        accord(int(types[t]), *mots) for t, mots in social.structures.items() if types.get(t, 0)
    ]
    phrases = [f"Les listes connues y nomment {' et '.join(comptes)}."] if comptes else []
    if "france_services" in social.structures:
        total, annee = france_services_comptees(donnees)
        if total is not None and total > int(types.get("france_services", 0)):
            mots = social.structures["france_services"]
            phrases.append(
                f"{_COMPTE_DE_L_ANCT} {accord(total, *mots)} en {annee} : la liste nominative est plus ancienne."
            )
    return " ".join(phrases)
