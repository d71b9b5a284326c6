"""Le Territoire : un objet immuable, son code, son nom, sa maille et ses communes."""

from __future__ import annotations

import html
from dataclasses import dataclass, field

MAILLES = ("commune", "epci", "departement", "region", "france", "qpv", "perimetre")

LIBELLES_MAILLES = {
    "commune": "commune",
    "epci": "EPCI",
    "departement": "département",
    "region": "région",
    "france": "France",
    "qpv": "QPV",
    "perimetre": "périmètre",
}


@dataclass(frozen=True, repr=False)
class Territoire:
    """Un endroit dont on peut parler : commune, EPCI, département, région, France, QPV ou périmètre.

    Deux territoires sont égaux s'ils ont même maille, même code, même nom et mêmes communes ; les
    avertissements racontent comment on y est arrivé et ne comptent pas dans l'égalité.

    Parameters
    ----------
    code : str
        Code officiel (Insee, SIREN, QN…), « FR », ou « P-… » pour un périmètre libre. Une région et un
        département peuvent porter le même code : :attr:`cle` les distingue.
    nom : str
        Nom officiel, tel que publié.
    maille : str
        ``commune``, ``epci``, ``departement``, ``region``, ``france``, ``qpv`` ou ``perimetre``.
    communes : tuple of str
        Codes des communes du COG 2025, triés. Un QPV : les communes qu'il touche, même en partie. Un
        arrondissement de Paris, Lyon ou Marseille : lui-même, car la ville entière serait une autre réponse.
    avertissements : tuple of str
        Ce qu'il faut dire au lecteur : ancien code, périmètre changé, doublons ôtés.

    Examples
    --------
    >>> from cafdiag.territoires import territoire
    >>> craon = territoire("200048551")
    >>> craon
    <Territoire : CC du Pays de Craon (EPCI 200048551), 37 communes>
    >>> craon.departement, craon.region, len(craon.communes)
    ('53', '52', 37)
    >>> {maille: parent.nom for maille, parent in craon.parents.items()}
    {'departement': 'Mayenne', 'region': 'Pays de la Loire', 'france': 'France'}
    """

    code: str
    nom: str
    maille: str
    communes: tuple[str, ...]
    avertissements: tuple[str, ...] = field(default=(), compare=False)

    @property
    def libelle(self) -> str:
        """Nom, maille et code : « CC du Pays de Craon (EPCI 200048551) »."""
        if self.maille == "france":
            return self.nom
        return f"{self.nom} ({LIBELLES_MAILLES[self.maille]} {self.code})"

    @property
    def cle(self) -> str:
        """Clé qui redonne ce territoire et lui seul : le code, précédé de « region: » pour une région.

        Un périmètre se redonne par ses communes (``53012+53084``).

        >>> from cafdiag.territoires import territoire
        >>> territoire("Pays de la Loire").cle, territoire("53").cle
        ('region:52', '53')
        """
        if self.maille == "perimetre":
            return "+".join(self.communes)
        return f"region:{self.code}" if self.maille == "region" else self.code

    @property
    def suffixe(self) -> str:
        """Ce qui le désigne dans un nom de fichier : la région 52 et le département 52 ont le même code.

        >>> from cafdiag.territoires import territoire
        >>> territoire("region:52").suffixe, territoire("52").suffixe
        ('region-52', '52')
        """
        return f"region-{self.code}" if self.maille == "region" else self.code

    @property
    def departements(self) -> tuple[str, ...]:
        """Codes de tous ses départements, le plus peuplé de ses habitants d'abord."""
        from cafdiag.territoires.referentiel import departements_de

        return departements_de(self)

    @property
    def departement(self) -> str | None:
        """Département principal ; None pour une région, la France et les collectivités hors départements."""
        if self.maille in ("region", "france") or not self.departements:
            return None
        return self.departements[0]

    @property
    def region(self) -> str | None:
        """Région du département principal ; None pour la France et les collectivités hors départements."""
        from cafdiag.territoires.referentiel import region_de

        return region_de(self)

    @property
    def parents(self) -> dict[str, Territoire]:
        """Territoires qui le contiennent, du plus proche au plus large.

        À cheval sur deux départements, un EPCI a pour parent le principal. Un périmètre n'a d'EPCI que si
        toutes ses communes en relèvent. Un arrondissement municipal a sa ville.
        """
        from cafdiag.territoires.referentiel import parents_de

        return parents_de(self)

    @property
    def voisins(self) -> tuple[Territoire, ...]:
        """Territoires de même maille qui le touchent ; vide pour la France, un QPV ou un périmètre."""
        from cafdiag.territoires.referentiel import voisins_de

        return voisins_de(self)

    @property
    def population(self) -> int | None:
        """Population municipale au dernier millésime embarqué (habitants) ; None si un terme manque.

        Pour un QPV : la population publiée du quartier, jamais celle de ses communes. Mayotte n'est pas
        recensée chaque année : la sienne manque, donc celle de la France entière aussi.
        """
        from cafdiag.territoires.referentiel import population_de

        return population_de(self)

    def __repr__(self) -> str:
        nombre = len(self.communes)
        suite = f", {nombre} communes" if nombre > 1 else ""
        return f"<Territoire : {self.libelle}{suite}>"

    def __str__(self) -> str:
        return self.libelle

    def _repr_html_(self) -> str:
        population = self.population
        lignes = [
            f"<strong>{html.escape(self.nom)}</strong> — "
            f"{LIBELLES_MAILLES[self.maille]} {html.escape(self.code)}"
        ]
        details = []
        if len(self.communes) > 1:
            details.append(f"{len(self.communes)} communes")
        if population is not None:
            details.append(f"{population:,} habitants".replace(",", "\u202f"))
        if self.maille != "france":
            details += [html.escape(lieu.nom) for lieu in self.parents.values() if lieu.maille != "france"]
        if details:
            lignes.append(" · ".join(details))
        lignes += [f"<em>{html.escape(texte)}</em>" for texte in self.avertissements]
        return "<div>" + "<br>".join(lignes) + "</div>"
