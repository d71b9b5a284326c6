"""L'état de l'explorateur : ce qui est montré, en un objet immuable qu'on garde et qu'on relit."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

from cafdiag.erreurs import CafdiagError, DemandeFausse, en_clair
from cafdiag.indicateurs import annees_disponibles, choisir, dictionnaire
from cafdiag.indicateurs.dictionnaire import THEMES
from cafdiag.indicateurs.simulation import TAUX
from cafdiag.territoires import Territoire, perimetre, territoire

REFERENCES = {
    "departement": "Département",
    "region": "Région",
    "france": "France",
    "comparables": "Comparables",
}
# Les comparables se demandent : les chercher lit toute la maille.
D_ABORD = ("departement", "region", "france")
PLUS_PROCHES = 5
AUTRES_MAXIMUM = 8
COMMUNES_MAXIMUM = 400
CIBLE_MAXIMUM = 150
_FORMAT = 1


@dataclass(frozen=True)
class Etat:
    """Ce que montre l'explorateur.

    Attributes
    ----------
    cle, nom : str
        Clé du territoire (:attr:`Territoire.cle`) ; nom d'usage d'un périmètre libre, vide sinon.
    indicateur : str
        Code du dictionnaire.
    annee : int or None
        Année voulue ; None : la dernière.
    references : tuple of str
        Références montrées, parmi ``REFERENCES``.
    autres : tuple of str
        Clés de territoires choisis pour comparer.
    choisies : tuple of str
        Codes des communes cochées pour composer un périmètre.
    taux : {"global", "eaje"}
        Taux de couverture que vise la simulation.
    cible : float or None
        Places pour 100 enfants de moins de 3 ans visées ; None : rien n'a été simulé.

    Examples
    --------
    >>> etat = Etat().ouvrir("CA Laval Agglomération").montrer("PE_NAISS")
    >>> etat.theme, etat.territoire.nom
    ('petite-enfance', 'CA Laval Agglomération')
    >>> Etat.lire(etat.ecrire()) == etat
    True
    """

    cle: str = "200048551"
    nom: str = ""
    indicateur: str = "PE_TXCOUV_GLOBAL"
    annee: int | None = None
    references: tuple[str, ...] = D_ABORD
    autres: tuple[str, ...] = ()
    choisies: tuple[str, ...] = ()
    taux: str = "global"
    cible: float | None = None

    @property
    def territoire(self) -> Territoire:
        """Le territoire montré."""
        return perimetre(self.nom, self.cle) if self.nom else territoire(self.cle)

    @property
    def theme(self) -> str:
        """Le thème de l'indicateur montré."""
        return str(dictionnaire().loc[self.indicateur, "theme"])

    def ouvrir(self, cible: Territoire | str) -> Etat:
        """Montre un autre territoire ; il cesse d'être comparé à lui-même.

        Raises
        ------
        TerritoireInconnu, TerritoireAmbigu
            La clé ne désigne pas un territoire.
        """
        lieu = cible if isinstance(cible, Territoire) else territoire(cible)
        nom = lieu.nom if lieu.maille == "perimetre" else ""
        return replace(self, cle=lieu.cle, nom=nom, autres=tuple(a for a in self.autres if a != lieu.cle))

    def montrer(self, indicateur: str) -> Etat:
        """Montre un autre indicateur ; l'année n'est gardée que s'il la connaît.

        Raises
        ------
        DemandeFausse
            Indicateur inconnu.
        """
        (code,) = choisir([indicateur])
        annee = self.annee if self.annee in annees_disponibles(code) else None
        return replace(self, indicateur=code, annee=annee)

    def dater(self, annee: int | None) -> Etat:
        """Montre une autre année (None : la dernière).

        Raises
        ------
        DemandeFausse
            Année que l'indicateur ne connaît pas.
        """
        connues = annees_disponibles(self.indicateur)
        if annee is not None and annee not in connues:
            raise DemandeFausse(
                f"pas d'année {annee} pour {self.indicateur}", attendu=", ".join(map(str, connues))
            )
        return replace(self, annee=annee)

    def referer(self, references: Sequence[str]) -> Etat:
        """Montre ces références, dans l'ordre de ``REFERENCES``.

        Raises
        ------
        DemandeFausse
            Référence inconnue.
        """
        inconnues = [r for r in references if r not in REFERENCES]
        if inconnues:
            raise DemandeFausse(f"référence inconnue : {', '.join(inconnues)}", attendu=", ".join(REFERENCES))
        return replace(self, references=tuple(r for r in REFERENCES if r in references))

    def comparer(self, cible: Territoire | str) -> Etat:
        """Ajoute un territoire à la comparaison ; sans effet s'il y est déjà.

        Raises
        ------
        DemandeFausse
            Trop de territoires pour rester lisible.
        """
        cle = (cible if isinstance(cible, Territoire) else territoire(cible)).cle
        if cle == self.cle or cle in self.autres:
            return self
        if len(self.autres) >= AUTRES_MAXIMUM:
            raise DemandeFausse(
                f"{AUTRES_MAXIMUM} territoires sont déjà comparés",
                conseil="retirez-en un avant d'en ajouter un autre",
            )
        return replace(self, autres=(*self.autres, cle))

    def ecarter(self, cle: str) -> Etat:
        """Retire un territoire de la comparaison."""
        return replace(self, autres=tuple(a for a in self.autres if a != cle))

    def cocher(self, codes: Sequence[str], *, oui: bool | None = None) -> Etat:
        """Coche ou décoche des communes du périmètre en préparation.

        Parameters
        ----------
        codes : sequence of str
            Codes de communes.
        oui : bool, optional
            Cocher ou décocher ; par défaut, chacune change d'état.

        Raises
        ------
        DemandeFausse
            Plus de ``COMMUNES_MAXIMUM`` communes, ou un code qui n'est pas une commune.

        Examples
        --------
        >>> Etat().cocher(["53084", "53012"]).cocher(["53084"]).choisies
        ('53012',)
        """
        choisies = set(self.choisies)
        for code in codes:
            if territoire(code).maille != "commune":
                raise DemandeFausse(f"« {code} » n'est pas une commune", attendu="des communes")
            if oui is True or (oui is None and code not in choisies):
                choisies.add(code)
            else:
                choisies.discard(code)
        if len(choisies) > COMMUNES_MAXIMUM:
            raise DemandeFausse(f"{len(choisies)} communes cochées", attendu=f"{COMMUNES_MAXIMUM} au plus")
        return replace(self, choisies=tuple(sorted(choisies)))

    def viser(self, taux: str, cible: float | None) -> Etat:
        """Simule vers un taux de couverture.

        Raises
        ------
        DemandeFausse
            Taux inconnu ; cible hors de 0 à ``CIBLE_MAXIMUM``.
        """
        if taux not in TAUX:
            raise DemandeFausse(f"taux inconnu : « {taux} »", attendu=", ".join(TAUX))
        if cible is not None and not 0 <= cible <= CIBLE_MAXIMUM:
            raise DemandeFausse(f"cible {cible:g}", attendu=f"de 0 à {CIBLE_MAXIMUM} places pour 100 enfants")
        return replace(self, taux=taux, cible=cible)

    def ecrire(self) -> str:
        """L'état en JSON."""
        return json.dumps({"format": _FORMAT, **asdict(self)}, ensure_ascii=False, indent=1)

    @classmethod
    def lire(cls, texte: str) -> Etat:
        """Relit un état écrit ; ce qui n'a plus de sens aujourd'hui reprend sa valeur par défaut.

        Raises
        ------
        DemandeFausse
            Ce n'est pas un état d'explorateur.
        """
        try:
            lu = json.loads(texte)
            if lu["format"] != _FORMAT:
                raise CafdiagError(f"d'un format qui n'est plus lu, {lu['format']}")
        except (ValueError, KeyError, TypeError) as cause:
            raise DemandeFausse(f"état de l'explorateur illisible ({en_clair(cause)})") from cause
        etat = cls()
        # Un indicateur retiré, une commune disparue : le reste de l'état n'a pas à en souffrir.
        reprises = (
            lambda e: e.ouvrir(perimetre(lu["nom"], lu["cle"]) if lu["nom"] else lu["cle"]),
            lambda e: e.montrer(lu["indicateur"]),
            lambda e: e.dater(lu["annee"]),
            lambda e: e.referer(lu["references"]),
            lambda e: e.viser(lu["taux"], lu["cible"]),
            *(lambda e, cle=cle: e.comparer(cle) for cle in lu.get("autres", ())),
            *(lambda e, code=code: e.cocher([code], oui=True) for code in lu.get("choisies", ())),
        )
        for reprendre in reprises:
            try:
                etat = reprendre(etat)
            except (CafdiagError, KeyError, TypeError):
                continue
        return etat


def themes() -> dict[str, str]:
    """Thèmes qui ont au moins un indicateur : code → libellé, dans l'ordre du dictionnaire."""
    presents = set(dictionnaire()["theme"])
    return {code: libelle for code, libelle in THEMES.items() if code in presents}
