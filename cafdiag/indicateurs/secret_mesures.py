"""Le secret appliqué aux Mesures : un seul masque pour tout ce qui peut être montré.

Le masque ne dépend ni du territoire demandé, ni de l'appel : communes, EPCI, départements, régions et France sont
jugés ensemble. Deux rapports, deux cartes, un lot ne se trahissent donc pas l'un l'autre. Ce qui n'a pas été jugé
(calcul inconnu, quartier, territoire hors du découpage) est tu.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import pandas as pd

from cafdiag.indicateurs.secret import masquer_systeme
from cafdiag.indicateurs.secret_regles import MOTIF, PART_DOMINANTE, SEUILS
from cafdiag.indicateurs.secret_systeme import Relation, Systeme, systeme

Lieu = tuple[str, str]
# Une grandeur une année.
Grandeur = tuple[str, int]
# Valeur d'une grandeur par lieu ; manquante là où elle n'est pas complète.
Sommes = Callable[[str, int], pd.Series]


@dataclass(frozen=True)
class Zones:
    """Ensembles de communes distincts.

    Attributes
    ----------
    de : dict
        Zone de chaque lieu ``(maille, code)`` ; deux lieux faits des mêmes communes ont la même.
    communes : tuple of arrays
        Rangs des communes de chaque zone, croissants.
    """

    de: dict[Lieu, int]
    communes: tuple[np.ndarray, ...]
    _parties: dict[bytes, dict[int, tuple[Hashable, ...]]] = field(default_factory=dict, repr=False, compare=False)

    def parties(self, connues: np.ndarray) -> dict[int, tuple[Hashable, ...]]:
        """De quoi chaque zone est la somme, avec les seules zones où une grandeur est connue.

        Parameters
        ----------
        connues : array of bool
            Zones où la grandeur est connue.

        Returns
        -------
        dict
            Par zone connue : des zones connues disjointes, puis des atomes, qui sont les communes restantes
            rangées par les zones connues qui les contiennent ; rien pour une zone qui ne se découpe pas.

        Examples
        --------
        >>> z = zones({("c", "1"): [1], ("c", "2"): [2], ("e", "E"): [1, 2], ("d", "D"): [1, 2, 3, 4]})
        >>> z.parties(np.array([True, True, True, True]))
        {2: (0, 1), 3: (2, ('atome', (3,)))}
        """
        # D'une grandeur à l'autre, ce sont presque toujours les mêmes zones.
        cle = connues.tobytes()
        if cle not in self._parties:
            self._parties[cle] = self._decouper(connues)
        return self._parties[cle]

    def touchees(self, communes: np.ndarray) -> np.ndarray:
        """Vrai pour les zones qui ont une de ces communes."""
        taille = max((int(c[-1]) for c in self.communes if len(c)), default=-1) + 1
        ici = np.zeros(taille, dtype=bool)
        ici[communes[communes < taille]] = True
        return np.array([bool(ici[c].any()) for c in self.communes], dtype=bool)

    def avec(self, neuves: Sequence[np.ndarray]) -> Zones:
        """Les mêmes zones, puis celles-ci, qu'aucun lieu ne nomme."""
        return Zones(self.de, (*self.communes, *neuves))

    def _decouper(self, connues: np.ndarray) -> dict[int, tuple[Hashable, ...]]:
        taille = max((int(c[-1]) for c in self.communes if len(c)), default=-1) + 1
        contenant: list[list[int]] = [[] for _ in range(taille)]
        utiles = np.flatnonzero(connues)
        for zone in sorted(utiles, key=lambda z: -len(self.communes[z])):
            for commune in self.communes[zone]:
                contenant[commune].append(int(zone))
        trouvees = {}
        for zone in utiles:
            dedans = self.communes[zone]
            libre = np.zeros(taille, dtype=bool)
            libre[dedans] = True
            parties: dict[Hashable, None] = {}
            for commune in dedans:
                if not libre[commune]:
                    continue
                partie = next(
                    (
                        z
                        for z in contenant[commune]
                        if len(self.communes[z]) < len(dedans) and libre[self.communes[z]].all()
                    ),
                    None,
                )
                if partie is None:
                    parties[("atome", tuple(contenant[commune]))] = None
                else:
                    libre[self.communes[partie]] = False
                    parties[partie] = None
            if len(parties) > 1 or any(isinstance(p, int) for p in parties):
                # Un atome a pu être vu avant la zone qui le couvre : les zones d'abord.
                trouvees[int(zone)] = tuple(sorted(parties, key=lambda p: (not isinstance(p, int), str(p))))
        return trouvees


def zones(ensembles: Mapping[Lieu, object]) -> Zones:
    """Les zones de ces lieux.

    Parameters
    ----------
    ensembles : mapping
        Par lieu : les rangs de ses communes.
    """
    de: dict[Lieu, int] = {}
    trouvees: dict[bytes, int] = {}
    communes: list[np.ndarray] = []
    for lieu, rangs in ensembles.items():
        rangees = np.unique(np.asarray(rangs, dtype=np.int64))
        cle = rangees.tobytes()
        if cle not in trouvees:
            trouvees[cle] = len(communes)
            communes.append(rangees)
        de[lieu] = trouvees[cle]
    return Zones(de, tuple(communes))


@dataclass(frozen=True)
class Deduites:
    """Ce que les totaux disent des communes dont personne n'a rien déclaré : leur reste.

    Attributes
    ----------
    zones : Zones
        Celles d'avant, puis les restes que rien ne nommait.
    valeurs : dict
        Par grandeur : sa valeur par zone, restes compris.
    cases : frozenset
        Grandeur et zone de chaque reste : il ne se montre nulle part, une soustraction le rend.
    termes : dict
        Par zone qui est un reste : le total, et ce qu'on lui ôte.
    """

    zones: Zones
    valeurs: dict[Grandeur, np.ndarray]
    cases: frozenset[tuple[Grandeur, int]]
    termes: dict[int, tuple[int, list[int]]]


def deduire(
    z: Zones,
    valeurs: Mapping[Grandeur, np.ndarray],
    touches: Mapping[str, frozenset[int]],
    *,
    signees: bool = False,
) -> Deduites:
    """Les restes : un total moins tout ce qu'on en connaît, là où il touche une déclaration.

    Parameters
    ----------
    z : Zones
    valeurs : mapping
        Par grandeur : sa valeur par zone, manquante là où elle n'est pas connue.
    touches : mapping of str to frozenset
        Par variable : rangs des communes que couvre une déclaration.
    signees : bool
        Des montants : un reste peut être négatif. Celui d'effectifs dirait que leurs totaux se contredisent.

    Examples
    --------
    >>> z = zones({("c", "1"): [1], ("c", "2"): [2], ("e", "E"): [1, 2, 3]})
    >>> d = deduire(z, {("n", 2024): np.array([10.0, np.nan, 13.0])}, {"n": frozenset([1, 2, 3])})
    >>> d.zones.communes[3].tolist(), d.valeurs["n", 2024].tolist(), sorted(d.cases)
    ([2, 3], [10.0, nan, 13.0, 3.0], [(('n', 2024), 3)])
    """
    connues = {g: serie.copy() for g, serie in valeurs.items()}
    rangs = {c.tobytes(): k for k, c in enumerate(z.communes)}
    cases: set[tuple[Grandeur, int]] = set()
    termes: dict[int, tuple[int, list[int]]] = {}
    while True:
        trouves: dict[tuple[Grandeur, int], float] = {}
        neuves: list[np.ndarray] = []
        for g, serie in connues.items():
            for zone, parties in z.parties(~np.isnan(serie)).items():
                otees = [p for p in parties if isinstance(p, int)]
                valeur = serie[zone] - serie[otees].sum()
                if not otees or len(otees) == len(parties) or (valeur < 0 and not signees):
                    continue
                communes = np.setdiff1d(z.communes[zone], np.concatenate([z.communes[p] for p in otees]))
                if touches[g[0]].isdisjoint(communes.tolist()):
                    continue
                rang = rangs.setdefault(communes.tobytes(), len(rangs))
                if rang == len(z.communes) + len(neuves):
                    neuves.append(communes)
                trouves.setdefault((g, rang), valeur)
                termes.setdefault(rang, (zone, otees))
        if not trouves:
            return Deduites(z, connues, frozenset(cases), termes)
        z = z.avec(neuves)
        connues = {g: np.append(serie, np.full(len(neuves), np.nan)) for g, serie in connues.items()}
        for (g, rang), valeur in trouves.items():
            connues[g][rang] = valeur
            cases.add((g, rang))


_JUGES = ("somme", "rapport", "partie", "ecart_positif", "a4")
_NOMBRES = ["valeur", "numerateur", "denominateur", "bas", "haut"]
_PARTIEL = "total partiel d'une donnée confidentielle, non montré"
# Une médiane, un montant n'ont pas d'effectif à comparer au seuil : rien n'est montré sous l'EPCI.
UNITES_SANS_EFFECTIF = ("%", "euros")
_MAILLES_LARGES = ("epci", "departement", "region", "france")


@dataclass(frozen=True)
class Regles:
    """Ce qui est confidentiel, et comment cela se montre.

    Attributes
    ----------
    definitions : DataFrame
        Dictionnaire des indicateurs.
    seuils : mapping of str to float
        Seuil de chaque variable confidentielle.
    annees : mapping of str to tuple of int
        Années connues de chaque variable du dictionnaire.
    sans_effectif : frozenset of str
        Variables confidentielles qui ne comptent rien (médiane, montant).
    composees : mapping of str to tuple of str
        ``total: parties`` : tranches d'âge, temps d'accueil.
    emboitees : tuple of pairs
        ``(partie, tout)`` : l'une est comprise dans l'autre.
    montants : mapping of str to str
        Montants de structures : la variable qui compte ces structures, vide si rien ne les compte.
    """

    definitions: pd.DataFrame
    seuils: Mapping[str, float]
    annees: Mapping[str, tuple[int, ...]]
    sans_effectif: frozenset[str] = frozenset()
    composees: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    emboitees: tuple[tuple[str, str], ...] = ()
    montants: Mapping[str, str] = field(default_factory=dict)

    def termes(self, ligne: pd.Series, annee: int) -> list[Grandeur | None]:
        """Grandeurs confidentielles que montre un indicateur une année ; None pour une qu'on ne sait pas dire."""
        num, den = ligne["numerateur"], ligne["denominateur"]
        trouves: list[Grandeur | None] = [(num, annee)] if num in self.seuils else []
        if den in self.seuils:
            trouves.append((den, annee) if annee in self.annees[den] else None)
        return trouves if ligne["calcul"] in _JUGES else [None]

    @cached_property
    def concernes(self) -> pd.DataFrame:
        """Indicateurs qui montrent une grandeur confidentielle."""
        d = self.definitions
        return d[d["numerateur"].isin(self.seuils) | d["denominateur"].isin(self.seuils)]

    @cached_property
    def groupes(self) -> list[tuple[Grandeur, ...]]:
        """Grandeurs qui se déduisent l'une de l'autre, à juger ensemble."""
        montrees = {
            t
            for _, ligne in self.concernes.iterrows()
            for annee in self.annees.get(ligne["numerateur"], ())
            for t in self.termes(ligne, annee)
            if t is not None and t[0] not in self.sans_effectif
        }
        liees = [(total, *parties) for total, parties in self.composees.items()]
        liees += [*self.emboitees, *self.parts]
        groupes: list[set[Grandeur]] = [{g} for g in sorted(montrees)]
        for lien in liees:
            for annee in {a for _, a in montrees}:
                ensemble = {(v, annee) for v in lien if v in self.seuils}
                touches = [g for g in groupes if g & ensemble]
                if touches:
                    # Une partie qu'aucun indicateur ne montre reste une inconnue du système.
                    groupes = [g for g in groupes if g not in touches] + [set().union(*touches, ensemble)]
        return [tuple(sorted(g)) for g in groupes]

    @cached_property
    def parts(self) -> tuple[tuple[str, str], ...]:
        """``(numérateur, dénominateur)`` des parts confidentielles que montre le dictionnaire."""
        d = self.concernes
        # « 17 séparations accompagnées pour 20 déclarées » est une part aussi : 3 ne le sont pas.
        pour_cent = d["calcul"].eq("rapport") & d["facteur"].astype(float).eq(100)
        parts = d[d["calcul"].eq("partie") | pour_cent]
        couples = zip(parts["numerateur"], parts["denominateur"], strict=True)
        return tuple((n, d) for n, d in couples if n in self.seuils and n not in self.sans_effectif)

    def montre(self, grandeur: Grandeur) -> bool:
        """Vrai si un indicateur montre cette variable."""
        return grandeur[0] in set(self.concernes["numerateur"]) | set(self.concernes["denominateur"])


@dataclass(frozen=True)
class Suite:
    """Des périmètres libres jugés l'un après l'autre, chacun sachant les précédents montrés.

    Attributes
    ----------
    ensembles : mapping
        Rangs des communes de chaque lieu, les périmètres après les territoires.
    masquees : tuple of frozenset
        Par groupe de grandeurs : les cases tues jusqu'ici.
    permises : frozenset
        Cases qui se montrent : grandeur et zone.
    """

    ensembles: Mapping[Lieu, np.ndarray]
    masquees: tuple[frozenset, ...]
    permises: frozenset[tuple[Grandeur, int]]


@dataclass(frozen=True)
class Voile:
    """Le masque de toutes les grandeurs confidentielles.

    Attributes
    ----------
    regles : Regles
    ensembles : mapping
        Rangs des communes de chaque lieu jugé ; la maille ``publie`` est celle des périmètres déjà publiés.
    sommes : callable
        Valeurs d'une grandeur par lieu de ``ensembles``.
    touches : mapping of str to frozenset
        Par variable confidentielle : rangs des communes que couvre une déclaration.
    """

    regles: Regles
    ensembles: Mapping[Lieu, np.ndarray]
    sommes: Sommes
    touches: Mapping[str, frozenset[int]]

    @cached_property
    def _zones(self) -> Zones:
        return zones(self.ensembles)

    @cached_property
    def _juges(self) -> list[tuple[Systeme, np.ndarray]]:
        systemes = (self._systeme(g, self.ensembles, self._zones, self.sommes) for g in self.regles.groupes)
        return [(s, masquer_systeme(s)[0]) for s in systemes]

    @staticmethod
    def _par_zone(g: Grandeur, ensembles: Mapping[Lieu, np.ndarray], z: Zones, sommes: Sommes) -> np.ndarray:
        rangs = [z.de[lieu] for lieu in ensembles]
        return sommes(*g).groupby(rangs).first().reindex(range(len(z.communes))).to_numpy(dtype="float64", copy=True)

    def _systeme(
        self, groupe: tuple[Grandeur, ...], ensembles: Mapping[Lieu, np.ndarray], z: Zones, sommes: Sommes
    ) -> Systeme:
        regles = self.regles
        declarees = {g: self._par_zone(g, ensembles, z, sommes) for g in groupe}
        deduites = deduire(z, declarees, self.touches)
        z, par_zone = deduites.zones, deduites.valeurs
        valeurs: dict[Hashable, float] = {}
        touts: dict[Hashable, float] = {}
        touchees: dict[frozenset[int], np.ndarray] = {}
        relations: list[Relation] = []
        inconnues: list[Hashable] = []
        publiees: list[Hashable] = []
        revelateurs: list[Hashable] = []
        publies = {z.de[lieu] for lieu in ensembles if lieu[0] == "publie"}
        for g, serie in par_zone.items():
            connues = ~np.isnan(serie)
            valeurs |= {(g, zone): serie[zone] for zone in np.flatnonzero(connues)}
            for zone, parties in z.parties(connues).items():
                relations.append(Relation((g, zone), tuple((g, p) for p in parties)))
            siennes = self.touches[g[0]]
            if siennes not in touchees:
                touchees[siennes] = z.touchees(np.array(sorted(siennes)))
            publiees += [
                (g, zone) for zone in np.flatnonzero(connues) if zone in publies or not touchees[siennes][zone]
            ]
            inconnues += [] if regles.montre(g) else [(g, zone) for zone in np.flatnonzero(connues)]
        inconnues += sorted(deduites.cases)
        for annee in sorted({a for _, a in groupe}):
            for total, parties in regles.composees.items():
                membres = [par_zone[v, annee] for v in (total, *parties) if (v, annee) in par_zone]
                if len(membres) == 1 + len(parties):
                    toutes = np.flatnonzero(~np.isnan(membres).any(axis=0))
                    relations += [
                        Relation(((total, annee), zone), tuple(((p, annee), zone) for p in parties))
                        for zone in toutes
                    ]
            for partie, tout in dict.fromkeys((*regles.emboitees, *regles.parts)):
                if (partie, annee) not in par_zone:
                    continue
                p = par_zone[(partie, annee)]
                if (tout, annee) in par_zone:
                    # Entre deux parts emboîtées se lit une troisième : le reste.
                    t = par_zone[(tout, annee)]
                    for rang in np.flatnonzero(t >= p):
                        reste = (("reste", partie, tout, annee), rang)
                        valeurs[reste] = t[rang] - p[rang]
                        inconnues.append(reste)
                        if t[rang] > 0 and (partie, tout) in regles.parts:
                            revelateurs.append(reste)
                        relations.append(Relation(((tout, annee), rang), (((partie, annee), rang), reste)))
                elif annee in regles.annees.get(tout, ()):
                    t = self._par_zone((tout, annee), ensembles, z, sommes)
                    for zone, (entier, otees) in deduites.termes.items():
                        t[zone] = t[entier] - t[otees].sum() if np.isnan(t[zone]) else t[zone]
                    touts |= {
                        ((partie, annee), zone): min(t[zone], touts.get(((partie, annee), zone), np.inf))
                        for zone in np.flatnonzero(t >= p)
                    }
        tus = set(inconnues)
        return systeme(
            _serie(valeurs),
            relations,
            seuil=max(regles.seuils[v] for v, _ in groupe),
            touts=_serie(touts),
            publiees=[c for c in publiees if c not in tus],
            inconnues=inconnues,
            revelateurs=revelateurs,
        )

    @cached_property
    def permises(self) -> frozenset[tuple[Grandeur, int]]:
        """Cases qui se montrent : grandeur et zone."""
        return frozenset(s.cles[i] for s, masque in self._juges for i in np.flatnonzero(s.montree & ~masque))

    def permis(self, grandeur: Grandeur | None, lieux: list[Lieu]) -> np.ndarray:
        """Vrai pour les lieux où cette grandeur se montre."""
        if grandeur is not None and grandeur[0] in self.regles.sans_effectif:
            sures = self._larges_sures(grandeur)
            zones_de = self._zones.de
            return np.array([m in _MAILLES_LARGES and zones_de.get((m, c)) in sures for m, c in lieux], dtype=bool)
        rangs = [self._zones.de.get(lieu) for lieu in lieux]
        return np.array([z is not None and (grandeur, z) in self.permises for z in rangs], dtype=bool)

    def _larges_sures(self, grandeur: Grandeur) -> set[int]:
        """Zones où se montre une grandeur qui ne compte personne.

        Un montant d'entreprise demande trois structures, dont aucune n'en fait 85 %, et que rien de plus petit n'y soit
        tu, ni qu'il n'y reste moins de trois structures que personne n'a déclarées : une soustraction le rendrait.
        """
        z = self._zones
        larges = {zone for (maille, _), zone in z.de.items() if maille in _MAILLES_LARGES}
        variable, annee = grandeur
        if variable not in self.regles.montants:
            return larges
        unites = self.regles.montants[variable]
        if annee not in self.regles.annees.get(unites, ()):
            return set()
        compte, montant = (unites, annee), (variable, annee)
        brutes = {g: self._par_zone(g, self.ensembles, z, self.sommes) for g in (compte, montant)}
        seules = [k for k in np.flatnonzero(brutes[compte] == 1) if pd.notna(brutes[montant][k])]
        vues = np.isin(np.arange(len(z.communes)), list(larges))
        d = deduire(z, {g: np.where(vues, serie, np.nan) for g, serie in brutes.items()}, self.touches, signees=True)
        z, nombre, valeur = d.zones, d.valeurs[compte], d.valeurs[montant]
        sures: set[int] = set()
        connues = np.flatnonzero(~np.isnan(valeur)).tolist()
        for zone in sorted(connues, key=lambda k: len(z.communes[k])):
            dedans = set(z.communes[zone].tolist())
            petites = [k for k in connues if k != zone and dedans.issuperset(z.communes[k].tolist())]
            siennes = (abs(brutes[montant][k]) for k in seules if dedans.issuperset(z.communes[k].tolist()))
            plus_gros = max(siennes, default=0.0)
            if (
                nombre[zone] >= SEUILS["entreprises"]
                and plus_gros <= PART_DOMINANTE * abs(valeur[zone])
                and sures.issuperset(petites)
            ):
                sures.add(zone)
        return sures & larges

    @cached_property
    def suite(self) -> Suite:
        """Aucun périmètre libre jugé encore."""
        masquees = tuple(frozenset(s.cles[i] for i in np.flatnonzero(masque)) for s, masque in self._juges)
        return Suite(self.ensembles, masquees, self.permises)

    def ajouter(
        self, suite: Suite, cle: str, communes: np.ndarray, sommes: Sommes
    ) -> tuple[Suite, frozenset[Grandeur]]:
        """Juge un périmètre libre, ceux de la suite étant montrés : rend la suite, et ce que celui-ci montre.

        Sa différence avec un territoire ou avec un périmètre d'avant ne doit rien trahir.

        Parameters
        ----------
        suite : Suite
            Périmètres déjà jugés.
        cle : str
            Son nom dans la suite.
        communes : array of int
            Rangs de ses communes.
        sommes : callable
            Valeurs d'une grandeur par lieu de la suite, puis de celui-ci.
        """
        ensembles = {**suite.ensembles, ("perimetre", cle): communes}
        z = zones(ensembles)
        ici = z.de[("perimetre", cle)]
        # Les zones gardent leur rang : un périmètre neuf vient après elles.
        if ici < len(zones(suite.ensembles).communes):
            permises = {g for g, zone in suite.permises if zone == ici}
            if any(m in _MAILLES_LARGES for (m, _), zone in self._zones.de.items() if zone == ici):
                muettes = {(v, a) for v in self.regles.sans_effectif for a in self.regles.annees[v]}
                permises |= {g for g in muettes if ici in self._larges_sures(g)}
            return replace(suite, ensembles=ensembles), frozenset(permises)
        permises, masquees = set(), []
        for groupe, tues in zip(self.regles.groupes, suite.masquees, strict=True):
            s = self._systeme(groupe, ensembles, z, sommes)
            masque = np.array([c in tues for c in s.cles], dtype=bool)
            neuve = np.array([zone == ici for _, zone in s.cles], dtype=bool)
            masque, _ = masquer_systeme(replace(s, masquable=s.masquable & neuve), masque)
            permises |= {s.cles[i][0] for i in np.flatnonzero(s.montree & neuve & ~masque)}
            masquees.append(tues | {s.cles[i] for i in np.flatnonzero(masque)})
        toutes = suite.permises | {(g, ici) for g in permises}
        return Suite(ensembles, tuple(masquees), toutes), frozenset(permises)

    def montres(self, table: pd.DataFrame) -> set[str]:
        """Périmètres libres dont cette table, déjà tue, montre un chiffre confidentiel."""
        ici = table["maille"].eq("perimetre") & table["indicateur"].isin(self.regles.concernes.index)
        return set(table.loc[ici & table["valeur"].notna(), "territoire"])

    def connait(self, communes: np.ndarray) -> bool:
        """Vrai si ces communes sont un territoire que le masque juge d'office."""
        return np.unique(communes).astype(np.int64).tobytes() in {c.tobytes() for c in self._zones.communes}

    def touche(self, variables: tuple[str, ...], communes: np.ndarray | None) -> bool:
        """Faux si ce lieu n'a aucune commune où une de ces variables est confidentielle ; vrai dans le doute."""
        if communes is None:
            return True
        siennes = set(communes.tolist())
        return any(not self.touches[v].isdisjoint(siennes) for v in variables)


def _serie(valeurs: dict) -> pd.Series:
    index = pd.Index(list(valeurs), dtype=object, tupleize_cols=False)
    return pd.Series(list(valeurs.values()), index=index, dtype=float)


def proteger(
    mesures: pd.DataFrame,
    voile: Voile,
    communes_de: Callable[[str, str], np.ndarray | None],
    libres: Mapping[str, frozenset[Grandeur]],
) -> pd.DataFrame:
    """Tait ce que le voile ne permet pas.

    Parameters
    ----------
    mesures : DataFrame
        Mesures, brutes ou déjà tues.
    voile : Voile
    communes_de : callable
        Rangs des communes d'un lieu ``maille, code`` ; None s'il n'est pas fait de communes.
    libres : mapping
        Grandeurs permises à chaque périmètre libre, par code.

    Returns
    -------
    DataFrame
        Mêmes lignes. Une case tue n'a ni valeur, ni numérateur, ni dénominateur, ni encadrement ; son statut est
        ``secret``. Rien ne distingue une case trop petite d'une case masquée pour la protéger.
    """
    regles = voile.regles
    candidates = mesures["indicateur"].isin(regles.concernes.index).to_numpy()
    lieux = list(zip(mesures["maille"], mesures["territoire"], strict=True))
    datees = candidates & mesures["annee"].notna().to_numpy()
    ici = np.zeros(len(mesures), dtype=bool)
    permis = np.ones(len(mesures), dtype=bool)
    for (code, annee), rangs in mesures[datees].groupby(["indicateur", "annee"]).indices.items():
        ligne = regles.definitions.loc[code]
        variables = tuple(v for v in (ligne["numerateur"], ligne["denominateur"]) if v in regles.seuils)
        rangs = np.flatnonzero(datees)[rangs]
        rangs = rangs[[voile.touche(variables, communes_de(*lieux[r])) for r in rangs]]
        ici[rangs] = True
        places = [lieux[r] for r in rangs]
        for terme in regles.termes(ligne, int(annee)):
            vu = voile.permis(terme, places)
            vu |= np.array([m == "perimetre" and terme in libres.get(c, ()) for m, c in places], dtype=bool)
            permis[rangs] &= vu
    # Sans année, rien n'a été jugé.
    ici |= candidates & ~datees
    permis &= datees | ~candidates
    if not ici.any():
        return mesures
    table = mesures.copy()
    muette = table["statut"].isin(["non_disponible", "secret"]).to_numpy()
    # Un rapport de termes connus se tait aussi pour la largeur de son intervalle : ce motif dirait lequel est petit.
    calculee = ~muette | (table["statut"].eq("non_disponible") & table["numerateur"].notna()).to_numpy()
    # Le rapport des seules communes connues : son numérateur n'est pas dit, mais se retrouve.
    partielle = ici & ~muette & permis & (table["valeur"].notna() & table["numerateur"].isna()).to_numpy()
    sans_terme = mesures["indicateur"].isin(regles.definitions.index[regles.definitions["calcul"].eq("a4")])
    partielle &= ~sans_terme.to_numpy()
    masquee = ici & calculee & ~permis
    table.loc[(ici & muette) | masquee | partielle, _NOMBRES] = np.nan
    table.loc[masquee | partielle, "modalite"] = ""
    table.loc[masquee | partielle, "statut"] = "secret"
    table.loc[masquee, "motif"] = MOTIF
    table.loc[partielle, "motif"] = _PARTIEL
    return table
