"""La convention territoriale globale vaut-elle schéma de la petite enfance ? Le contrôle, point par point.

Article D. 214-10-1, I, du code de l'action sociale et des familles (décret n° 2025-253 du 20 mars 2025) : ce que le
schéma pluriannuel contient. Une convention qui porte ce contenu en tient lieu (L. 214-2, III).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cafdiag.donnees.releves import Colonne, lire_releve
from cafdiag.erreurs import EntreeFautive
from cafdiag.territoires.normalisation import normaliser

TEXTE = "article D. 214-10-1 du code de l'action sociale et des familles"
MODELE = "cafdiag sppe CODE --grille grille.xlsx"
REMPLI, AMORCE, MANQUE = "rempli", "amorcé", "manque"


@dataclass(frozen=True)
class PointDuTexte:
    """Un point du texte : son numéro, ce qu'il demande, et la rubrique de la trame qui y répond."""

    numero: str
    demande: str
    rubrique: str


POINTS = (
    PointDuTexte("1°", "la liste des équipements, services et modes d'accueil des moins de 3 ans", "État des lieux"),
    PointDuTexte("2°", "les besoins recensés des enfants de moins de 3 ans et de leurs familles", "Besoins"),
    PointDuTexte("3°", "les zones où l'offre est insuffisante ou difficile d'accès", "Zones sous-dotées"),
    PointDuTexte("4° a", "les objectifs de maintien, de développement et de redéploiement, zone par zone", "Objectifs"),
    PointDuTexte("4° b", "les emplois et les compétences qu'il faudra", "Emplois et compétences"),
    PointDuTexte("4° c", "les réponses aux familles en difficulté (santé, handicap, ressources, travail)",
          "Familles en difficulté"),
    PointDuTexte("4° d", "l'accompagnement des accueillants en matière de qualité", "Qualité de l'accueil"),
    PointDuTexte("4° e", "les projets d'investissement : rénovation, entretien, création", "Projets d'investissement"),
    PointDuTexte("4° f", "les coûts prévisionnels, les moyens nécessaires et les difficultés", "Coût"),
    PointDuTexte("4° g", "le calendrier de réalisation, pour la durée du schéma", "Calendrier"),
    PointDuTexte("4° h", "les indicateurs et la manière d'évaluer les objectifs", "Indicateurs de suivi"),
)  # fmt: skip

_COLONNES = {
    "numero": Colonne("Point", ("numéro", "point du texte"), obligatoire=True),
    "ou": Colonne("Où, dans la convention", ("où", "page", "article", "où dans la ctg"), obligatoire=True),
}
ENTETES = ("Point", "Ce que le texte demande", "Où, dans la convention", "Remarque")


@dataclass(frozen=True)
class EtatDuPoint:
    """L'état d'un point : ``rempli`` (vous dites où), ``amorcé`` (la trame a des chiffres), ``manque``."""

    point: PointDuTexte
    etat: str
    ou: str = ""


@dataclass(frozen=True)
class Controle:
    """Le contrôle entier. `declare` : vrai si une grille a été remplie."""

    constats: tuple[EtatDuPoint, ...]
    declare: bool

    def compte(self, etat: str) -> int:
        """Nombre de points dans cet état."""
        return sum(c.etat == etat for c in self.constats)

    @property
    def manquants(self) -> list[str]:
        """Les numéros des points qui ne sont pas remplis."""
        return [c.point.numero for c in self.constats if c.etat != REMPLI]

    @property
    def verdict(self) -> str:
        """La réponse, en une phrase."""
        n, remplis = len(self.constats), self.compte(REMPLI)
        if not self.declare:
            return (
                f"Rien n'est encore déclaré : la trame amorce {self.compte(AMORCE)} points sur {n}, aucun n'est rempli."
            )
        if remplis == n:
            return (
                f"D'après ce que vous déclarez, la convention porte les {n} points : elle peut tenir lieu de schéma. "
                "Ce contrôle lit votre grille, pas la convention."
            )
        return (
            f"D'après ce que vous déclarez, la convention ne tient pas lieu de schéma : {remplis or 'aucun'} point"
            f"{'s' if remplis > 1 else ''} sur {n} ; il manque {', '.join(self.manquants)}."
        )


def controler(amorcees: Sequence[str], declares: Mapping[str, str] | None = None) -> Controle:
    """Le contrôle, point par point.

    Parameters
    ----------
    amorcees : sequence of str
        Rubriques de la trame où les données publiques ont posé un chiffre.
    declares : mapping, optional
        Où chaque point se lit dans la convention (:func:`lire_grille`).

    Examples
    --------
    >>> controler(["Coût"]).compte("amorcé")
    1
    >>> controler([], {p.numero: "page 3" for p in POINTS}).verdict[:50]
    "D'après ce que vous déclarez, la convention porte "
    """
    lus = declares or {}
    constats = tuple(
        EtatDuPoint(p, REMPLI, lus[p.numero])
        if lus.get(p.numero)
        else EtatDuPoint(p, AMORCE if p.rubrique in amorcees else MANQUE)
        for p in POINTS
    )
    return Controle(constats, declares is not None)


def lire_grille(chemin: str | Path) -> dict[str, str]:
    """Où chaque point se lit dans la convention, d'après la grille remplie ; vide : pas encore.

    Raises
    ------
    EntreeFautive
        Fichier illisible, point inconnu, double ou absent : tous les défauts d'un coup.
    """
    releve = lire_releve(chemin, _COLONNES, modele=MODELE)
    connus = {_cle(p.numero): p.numero for p in POINTS}
    lus: dict[str, str] = {}
    defauts = []
    for ligne in releve.lignes:
        numero = connus.get(_cle(ligne.textes["numero"]))
        if numero is None:
            defauts.append(f"{ligne.ou} : point « {ligne.textes['numero']} » inconnu")
        elif numero in lus:
            defauts.append(f"{ligne.ou} : le point {numero} est écrit deux fois")
        elif normaliser(ligne.textes["ou"]) in _SANS_LIEU:
            defauts.append(f"{ligne.ou}, point {numero} : « {ligne.textes['ou']} » ne dit pas où (page, article)")
            lus[numero] = ""
        else:
            lus[numero] = "" if normaliser(ligne.textes["ou"]) in _VIDES else ligne.textes["ou"]
    defauts += [f"point {p.numero} absent" for p in POINTS if p.numero not in lus]
    if defauts:
        raise EntreeFautive(
            releve.fichier,
            defauts,
            attendu=f"les points {', '.join(p.numero for p in POINTS)}, une fois chacun",
            conseil=f"repartez du modèle ({MODELE})",
        )
    return lus


# Ce qu'on écrit pour dire « pas encore » : cela ne remplit pas un point.
_VIDES = frozenset({"", "non", "nc", "nd", "n d", "neant", "aucun", "aucune", "a completer", "a faire", "rien"})
_SANS_LIEU = frozenset({"oui", "x", "ok", "fait", "present", "vrai"})


def _cle(numero: str) -> str:
    return normaliser(numero).replace(" ", "")
