"""Ce qu'un calcul reçoit : les territoires d'une maille, leurs communes, les tables, l'année."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from cafdiag.donnees import VARIABLES, Apports, evaluer
from cafdiag.donnees.grandeurs import nom_de_colonne
from cafdiag.donnees.memoire import AuBesoin, Partie, gardee
from cafdiag.donnees.projections import projeter
from cafdiag.empreintes_du_code import sha256
from cafdiag.indicateurs.agregation import sommer_positions
from cafdiag.indicateurs.hors_mayotte import MAILLE
from cafdiag.indicateurs.options import Options
from cafdiag.indicateurs.resolution import Emboitement, equivalents, resoudre
from cafdiag.magasin import lire_table

COLONNES_RESULTAT = [
    "valeur",
    "numerateur",
    "denominateur",
    "bas",
    "haut",
    "statut",
    "motif",
    "maille_source",
    "modalite",
    "annee",
    "millesime",
    "source",
]
_NOMS_ECRITS = 4
FINE = "\u202f"
# « Presque toutes » les communes sont connues : ce qui manque n'est qu'une frange.
PART_MANQUANTE_MAXIMALE = 0.1
# Une source qui renseigne la moitié des départements est celle de la France : ailleurs, elle se tait.
DEPARTEMENTS_SOURCE_NATIONALE = 50
_DEPARTEMENTS_ECRITS = 6


@dataclass(frozen=True)
class Contexte:
    """Tables alignées pour calculer un indicateur sur des territoires, de même maille ou non.

    Attributes
    ----------
    territoires : DataFrame
        Indexé par une clé unique, dans l'ordre du résultat : ``maille``, ``officiel`` (code publié), ``nom``.
        La clé n'est pas le code : le département 52 et la région 52 se comparent dans un même calcul.
    appartenance : DataFrame
        ``commune``, ``code`` (la clé du territoire).
    communes : DataFrame
        Table communale (:func:`cafdiag.donnees.table_communes`).
    taux : DataFrame
        Taux de couverture publiés par la Cnaf.
    qpv, structures : DataFrame
        Quartiers prioritaires et structures connues.
    apports : Apports
        Ce que l'utilisateur a fourni.
    annee : int or None
        Année demandée ; None : la dernière de chaque indicateur.
    options : Options
        Choix de calcul.
    partage : dict
        Ce qui ne dépend que des tables et des options, gardé d'un calcul à l'autre tant qu'elles ne changent pas.
    places : DataFrame
        Nombres de places publiés, s'ils ont été importés.
    publications : mapping of (str, int) to DataFrame
        Valeurs publiées ou déclarées à une maille (:func:`cafdiag.donnees.valeurs_publiees.publications`).

    etat : tuple, optional
        L'état de l'entrepôt dont viennent les tables, si rien n'y a été apporté ni n'y est confidentiel.

    Les tables peuvent être données par la fonction qui les lira à leur premier usage.
    """

    territoires: pd.DataFrame
    appartenance: pd.DataFrame
    communes: AuBesoin[pd.DataFrame] = AuBesoin()
    taux: AuBesoin[pd.DataFrame] = AuBesoin()
    qpv: AuBesoin[pd.DataFrame] = AuBesoin()
    structures: AuBesoin[pd.DataFrame] = AuBesoin()
    apports: AuBesoin[Apports] = AuBesoin()
    annee: int | None = None
    options: Options = field(default_factory=Options)
    partage: dict = field(default_factory=dict, repr=False)
    places: AuBesoin[pd.DataFrame] = AuBesoin(pd.DataFrame)
    publications: AuBesoin[Mapping[Partie, pd.DataFrame]] = AuBesoin(dict)
    etat: tuple | None = None
    _memoire: dict = field(default_factory=dict, repr=False)

    @property
    def codes(self) -> pd.Index:
        """Clés des territoires."""
        return self.territoires.index

    @property
    def _rangs(self) -> tuple[np.ndarray, np.ndarray]:
        """Rang de chaque commune de l'appartenance, et rang de son territoire : calculés une fois."""
        if "rangs" not in self._memoire:
            self._memoire["rangs"] = (
                self.communes.index.get_indexer(pd.Index(self.appartenance["commune"])),
                self.codes.get_indexer(pd.Index(self.appartenance["code"])),
            )
        return self._memoire["rangs"]

    @property
    def points(self) -> pd.DataFrame:
        """Points centraux des communes en mètres (``x``, ``y``, ``zone``) : projetés une fois."""
        return self.partager(("points",), lambda: projeter(self.communes["lon"], self.communes["lat"]))

    def sommer(self, communes: pd.DataFrame) -> pd.DataFrame:
        """Somme par territoire d'une grandeur communale alignée sur la table des communes."""
        positions, groupes = self._rangs
        return sommer_positions(communes, positions, groupes, len(self.codes)).set_axis(self.codes)

    def parmi(self, codes: pd.Index) -> Contexte:
        """Le même contexte pour quelques-uns de ses territoires ; ce qui ne dépend d'aucun reste partagé."""
        if self.codes.equals(codes):
            return self
        appartenance = self.appartenance[self.appartenance["code"].isin(codes)]
        return replace(self, territoires=self.territoires.loc[codes], appartenance=appartenance, _memoire={})

    def non_suivies(self, communes: list[str]) -> list[str]:
        """Celles qu'aucune table ne suit : les communes des collectivités d'outre-mer."""
        return [c for c in communes if c not in self.communes.index]

    def de_maille(self, maille: str) -> pd.Series:
        """Vrai pour les territoires de cette maille."""
        return self.territoires["maille"].eq(maille)

    def retenir(self, cle: tuple, calcul: Callable):
        """Le résultat d'un calcul que plusieurs indicateurs partagent, fait une fois."""
        if cle not in self._memoire:
            self._memoire[cle] = calcul()
        return self._memoire[cle]

    def partager(self, cle: tuple, calcul: Callable):
        """Comme :meth:`retenir`, pour ce qui ne dépend d'aucun territoire : gardé d'un calcul à l'autre."""
        if cle not in self.partage:
            self.partage[cle] = calcul()
        return self.partage[cle]

    def partager_longtemps(self, cle: tuple, calcul: Callable[[], pd.DataFrame]) -> pd.DataFrame:
        """Comme :meth:`partager`, pour une table alignée sur les communes, longue à faire : gardée sur le poste."""
        if self.etat is None or self.options != Options():
            return self.partager(cle, calcul)
        etat, nom = self.etat, f"partage-{sha256(repr(cle))[:32]}"

        def garder() -> pd.DataFrame:
            table = gardee(nom, etat, lambda: calcul().reset_index(drop=True))
            return table.set_axis(self.communes.index)

        return self.partager(cle, garder)

    @property
    def colonnes(self) -> tuple[str, ...]:
        """Colonnes de la table communale."""
        return self.retenir(("colonnes",), lambda: tuple(self.communes.columns))

    def annees(self, variable: str) -> list[int]:
        """Années calculables d'une variable, la plus récente d'abord ; aucune si rien ne la donne."""
        return self.retenir(
            ("annees", variable),
            lambda: sorted({*self._communales(variable), *self.annees_publiees(variable)}, reverse=True),
        )

    def statuts(self, variable: str, annees: pd.Series) -> np.ndarray:
        """Statut d'une somme complète de cette variable, chaque territoire à son année."""
        connus = {a: VARIABLES[variable].statut_en(int(a), self.colonnes) for a in annees.unique()}
        return annees.map(connus).to_numpy(dtype=object)

    def _communales(self, variable: str) -> dict[int, dict[str, float]]:
        """Années que des colonnes communales donnent."""
        return VARIABLES[variable].annees(self.colonnes)

    def annees_publiees(self, variable: str) -> list[int]:
        """Années des seules publications d'une variable, la plus récente d'abord."""

        def ranger() -> dict[str, list[int]]:
            rangees: dict[str, list[int]] = {}
            for publiee, annee in sorted(self.publications, reverse=True):
                rangees.setdefault(publiee, []).append(annee)
            return rangees

        return self.partager(("annees publiees",), ranger).get(variable, [])

    def publications_de(self, variable: str, annee: int) -> pd.DataFrame:
        """Publications d'une variable une année."""
        return self.publications[variable, annee]

    @property
    def officiels(self) -> pd.DataFrame:
        """Maille et code officiels des territoires (un périmètre qui est tout un EPCI en prend le code)."""
        return self.retenir(("officiels",), lambda: equivalents(self.territoires, self.appartenance))

    @property
    def annee_des_taux(self) -> int:
        """:func:`annee_des_taux` de l'année demandée, cherchée une fois."""
        return self.partager(("annee_des_taux", self.annee), lambda: annee_des_taux(self.taux, self.annee))

    def annee_de(self, variable: str) -> int:
        """Année à utiliser pour une variable : celle demandée si la source la couvre, sinon la dernière."""
        connues = self.annees(variable)
        return self.annee if self.annee in connues else connues[0]

    def par_commune(self, variable: str, *, annee: int | None = None) -> pd.DataFrame:
        """Variable évaluée commune par commune ; gardée en mémoire."""
        annee = annee if annee is not None else self.annee_de(variable)
        return self.partager(("par_commune", variable, annee), lambda: self._evaluer(variable, annee))

    def _evaluer(self, variable: str, annee: int) -> pd.DataFrame:
        """Les colonnes communales, puis les valeurs publiées ou déclarées à la commune, qui l'emportent."""
        if annee in self._communales(variable):
            table = evaluer(self.communes, variable, annee=annee)
        else:
            table = pd.DataFrame({"valeur": np.nan, "bas": 0.0, "haut": np.inf}, index=self.communes.index)
        publiees = self.publications.get((variable, annee))
        if publiees is None:
            return table
        ici = publiees[publiees["maille"].eq("commune") & publiees["valeur"].notna()]
        if ici.empty:
            return table
        # L'index des communes est déjà haché ; « .loc » et « isin » le hacheraient à chaque grandeur.
        rangs = self.communes.index.get_indexer(pd.Index(ici["code"]))
        dites = {}
        for colonne in ("valeur", "bas", "haut"):
            dites[colonne] = table[colonne].to_numpy(dtype=float, copy=True)
            dites[colonne][rangs[rangs >= 0]] = ici[colonne].to_numpy(dtype=float)[rangs >= 0]
        return pd.DataFrame(dites, index=table.index)

    def somme(self, variable: str, *, annee: int | None = None) -> pd.DataFrame:
        """Somme d'une variable par territoire, encadrée, avec son année ; gardée en mémoire.

        Sans année imposée, chaque territoire prend la plus récente où **toutes** ses communes sont connues ; à
        défaut, la plus récente où il n'en manque presque aucune (un dixième au plus) ; à défaut, la plus récente.
        """
        cle = ("somme", variable, annee)
        if cle in self._memoire:
            return self._memoire[cle]
        annees = self.annees(variable)
        if annee is not None:
            annees = [annee]
        elif self.annee in annees:
            annees = [self.annee]
        somme = self._somme_annuelle(variable, annees[0])
        for autre in annees[1:]:
            manquants = somme["n_manquants"].to_numpy()
            manque = np.isnan(somme["valeur"].to_numpy())
            if not manque.any():
                break
            ancienne = self._somme_annuelle(variable, autre)
            moins = ancienne["n_manquants"].to_numpy()
            presque = PART_MANQUANTE_MAXIMALE * ancienne["n"].to_numpy()
            mieux = manque & (~np.isnan(ancienne["valeur"].to_numpy()) | ((moins < manquants) & (moins <= presque)))
            if mieux.any():
                somme = _melanger(somme, mieux, ancienne)
        muets = (somme["n_manquants"] == somme["n"]).to_numpy() & np.isnan(somme["valeur"].to_numpy())
        if len(annees) > 1 and muets.any():
            # Rien, aucune année : autant parler de celle que la source couvre le mieux.
            somme = _melanger(somme, muets, self._somme_annuelle(variable, self.annee_la_plus_connue(variable)))
        self._memoire[cle] = somme
        return somme

    def somme_alignee(self, variable: str, annees: pd.Series) -> pd.DataFrame:
        """Somme d'un dénominateur à l'année de son numérateur, territoire par territoire, si elle existe."""
        somme = self.somme(variable)
        connues = self.annees(variable)
        for annee in annees.unique():
            ici = annees.eq(annee).to_numpy()
            if annee not in connues or (somme["annee"].to_numpy()[ici] == annee).all():
                continue
            imposee = self.somme(variable, annee=int(annee))
            somme = imposee if ici.all() else _melanger(somme, ici, imposee)
        return somme

    def _somme_annuelle(self, variable: str, annee: int) -> pd.DataFrame:
        return self.retenir(("somme annuelle", variable, annee), lambda: self._sommer(variable, annee))

    def _sommer(self, variable: str, annee: int) -> pd.DataFrame:
        communes = self.par_commune(variable, annee=annee)
        publiees = self.publications.get((variable, annee))
        if publiees is None:
            somme = self.sommer_ensembles(communes)
            somme = somme.assign(annee=annee, maille_source="commune", source="", enferme="")
        else:
            lieux = self.retenir(
                ("emboîtement",), lambda: Emboitement(self.communes.index, self.appartenance, self.officiels)
            )
            somme = resoudre(publiees, communes, lieux).assign(annee=annee)
        return self._avec_population_publiee(somme, annee) if variable == "population" else somme

    def sommer_ensembles(self, communes: pd.DataFrame) -> pd.DataFrame:
        """:meth:`sommer`, quand une source garde à l'ancien code le chiffre de toute une commune scindée.

        La somme vaut pour qui contient toutes les communes issues de la scission ; aucune n'a de chiffre à elle.
        """
        valeurs = communes["valeur"].to_numpy()
        ensembles = [e for e in self._scissions if _est_un_ensemble(valeurs, *e)]
        if not ensembles:
            return self.sommer(communes)
        completees = communes.copy()
        for _, autres in ensembles:
            completees.iloc[autres] = 0.0
        somme = self.sommer(completees)
        positions, groupes = self._rangs
        for ancien, autres in ensembles:
            total = communes.iloc[ancien]
            for groupe in np.unique(groupes[np.isin(positions, autres) | (positions == ancien)]):
                dedans = set(positions[groupes == groupe]) & {ancien, *autres}
                if len(dedans) > len(autres):
                    continue
                cle = self.codes[groupe]
                somme.loc[cle, "n_manquants"] += len(dedans)
                somme.loc[cle, "valeur"] = np.nan
                if ancien in dedans:
                    somme.loc[cle, ["connu", "bas"]] -= [total["valeur"], total["bas"]]
                else:
                    somme.loc[cle, "haut"] += total["haut"]
        return somme

    @property
    def _scissions(self) -> list[tuple[int, list[int]]]:
        """Communes scindées, par leur rang : celle qui garde l'ancien code, et les autres."""

        def lire() -> list[tuple[int, list[int]]]:
            passage = lire_table("passage_cog", filtres=[("type", "==", "scission")])
            groupes = passage.groupby("code_ancien")["code"].agg(list)
            rangs = [(c, self.communes.index.get_indexer([c, *(x for x in s if x != c)])) for c, s in groupes.items()]
            return [(int(r[0]), r[1:].tolist()) for _, r in rangs if (r >= 0).all()]

        return self.partager(("scissions",), lire)

    def _avec_population_publiee(self, somme: pd.DataFrame, annee: int) -> pd.DataFrame:
        """Population publiée de l'EPCI, du département, de la région, quand une commune scindée n'en a pas."""
        manque = somme["valeur"].isna()
        for maille in self.territoires.loc[manque, "maille"].unique():
            fichier = {
                "epci": "epci",
                "departement": "departements",
                "region": "regions",
                MAILLE: "regions",
            }
            if maille not in fichier:
                continue
            publiees = lire_table(fichier[maille]).set_index("code")[f"population_{annee}"].astype("float64")
            ici = manque & self.de_maille(maille)
            officiels = self.territoires.loc[ici, "officiel"]
            total = pd.Series({"FR": publiees.sum()})
            valeurs = officiels.map(total if maille == MAILLE else publiees)
            connues = valeurs.dropna().index
            for colonne in ("valeur", "connu", "bas", "haut"):
                somme.loc[connues, colonne] = valeurs[connues].astype("float64")
            somme.loc[connues, "n_manquants"] = 0
        return somme

    def manquantes_aux(self, variable: str, annees: pd.Series) -> np.ndarray:
        """:meth:`manquantes`, chaque territoire à l'année retenue pour lui."""
        phrases = np.full(len(annees), "", dtype=object)
        for annee in annees.unique():
            ici = annees.eq(annee).to_numpy()
            phrases[ici] = self.manquantes(variable, annee=int(annee)).to_numpy(dtype=object)[ici]
        return phrases

    def manquantes(self, variable: str, *, annee: int | None = None) -> pd.Series:
        """Phrase nommant, par territoire, les communes sans donnée (vide si aucune)."""
        annee = annee if annee is not None else self.annee_de(variable)
        cle = ("manquantes", variable, annee)
        if cle not in self._memoire:
            phrases = self._phrases(*self.partager(cle, lambda: self._absentes(variable, annee)))
            if (variable, annee) in self.publications:
                phrases = self._phrases_publiees(variable, annee, phrases)
            self._memoire[cle] = phrases
        return self._memoire[cle]

    def _phrases_publiees(self, variable: str, annee: int, phrases: pd.Series) -> pd.Series:
        """Ce qui manque à une grandeur publiée : rien si la somme est complète, sinon ce qu'on a et où."""
        somme = self._somme_annuelle(variable, annee)
        fournies = somme["n"] - somme["n_manquants"]
        phrases = phrases.mask(somme["valeur"].notna(), "")
        if annee not in self._communales(variable):
            nom = VARIABLES[variable].libelle
            phrases = phrases.mask(somme["valeur"].isna(), f"« {nom} » : rien n'est fourni pour ce territoire")
            partiel = somme["valeur"].isna() & fournies.gt(0)
            dites = pd.Series(
                [
                    f"« {nom} » : fourni pour {compter(f, 'commune')} sur {compter(n)}"
                    for f, n in zip(fournies, somme["n"], strict=True)
                ],
                index=phrases.index,
            )
            phrases = phrases.mask(partiel, dites)
        enferme = somme["enferme"].ne("") & fournies.eq(0)
        return phrases.mask(enferme, "donnée fournie " + somme["enferme"] + " : elle ne se découpe pas par commune")

    def departements_fournis(self, variable: str, *, annee: int | None = None) -> list[str]:
        """Départements dont une commune au moins est connue ; vide si la source est nationale."""
        annee = annee if annee is not None else self.annee_la_plus_connue(variable)

        def lire() -> list[str]:
            connue = self.par_commune(variable, annee=annee)["valeur"].notna().to_numpy()
            fournis = sorted(self.communes["departement"][connue].dropna().unique())
            return [] if len(fournis) >= DEPARTEMENTS_SOURCE_NATIONALE else fournis

        return self.partager(("departements fournis", variable, annee), lire)

    def annee_la_plus_connue(self, variable: str) -> int:
        """Année demandée, sinon celle où le plus de communes sont connues, la plus récente à égalité."""
        annees = self.annees(variable)
        if self.annee in annees:
            return self.annee

        def choisir() -> int:
            connues = {a: self.par_commune(variable, annee=a)["valeur"].notna().sum() for a in annees}
            return max(annees, key=lambda a: (connues[a], a))

        return self.partager(("annee la plus connue", variable), choisir)

    def annees_d_acces(self, variable: str) -> list[int]:
        """Années où chercher une distance : la dernière, puis celle où le plus de communes sont connues."""
        if self.annee in self.annees(variable):
            return [self.annee]
        return list(dict.fromkeys([self.annees(variable)[0], self.annee_la_plus_connue(variable)]))

    def _absentes(self, variable: str, annee: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, str]:
        """Communes sans donnée, communes dont la donnée se partage, communes que la source devait couvrir ; et la
        phrase de celles qu'elle ne couvre pas.

        La dernière place est celle d'une commune absente de la table (rang -1), donc sans donnée.
        """
        evaluee = self.par_commune(variable, annee=annee)
        absente = evaluee["valeur"].isna().to_numpy(copy=True)
        for ancien, autres in self._scissions:
            # Le chiffre gardé à l'ancien code est celui de l'ensemble, pas le sien.
            if _est_un_ensemble(evaluee["valeur"].to_numpy(), ancien, autres):
                absente[ancien] = True
        partagee = absente & self._partagees(variable, annee)
        fournis = self.departements_fournis(variable, annee=annee)
        couverte = self.communes["departement"].isin(fournis).to_numpy() if fournis else np.full(len(absente), True)
        return np.append(absente, True), np.append(partagee, False), np.append(couverte, False), _fournie(fournis)

    def _partagees(self, variable: str, annee: int) -> np.ndarray:
        """Communes dont le classement est publié, mais coupé par une fusion (« C / NC », « partiellement »)."""
        condition = VARIABLES[variable].condition
        colonne = nom_de_colonne(condition[0], annee) if condition else ""
        if colonne not in self.communes:
            return np.zeros(len(self.communes), dtype=bool)
        return self.communes[colonne].notna().to_numpy()

    def _phrases(self, absente: np.ndarray, partagee: np.ndarray, couverte: np.ndarray, fournie: str) -> pd.Series:
        positions, groupes = self._rangs
        phrases = pd.Series("", index=self.codes, dtype=object)
        manque = absente[positions]
        if not manque.any():
            return phrases
        tous_les_noms = self.partager(
            ("noms",), lambda: np.append(self.communes["nom"].to_numpy(dtype=object), "")
        )
        embarquee, coupees = couverte[positions], partagee[positions]
        n = len(self.codes)
        total = np.bincount(groupes, minlength=n)
        absentes = np.bincount(groupes, weights=manque, minlength=n).astype(int)
        hors = np.bincount(groupes, weights=manque & ~embarquee, minlength=n).astype(int)
        dedans = np.bincount(groupes, weights=embarquee, minlength=n).astype(int)
        toutes = absentes == total
        phrases[toutes & (dedans == 0)] = fournie
        phrases[toutes & (dedans > 0)] = "donnée absente de la source pour toutes les communes"
        rangs = np.flatnonzero(manque)
        rangs = rangs[np.argsort(groupes[rangs], kind="stable")]
        fins = np.cumsum(absentes)
        for g in np.flatnonzero((absentes > 0) & ~toutes):
            siennes = rangs[fins[g] - absentes[g] : fins[g]]
            if absentes[g] <= _NOMS_ECRITS:
                ici = sorted(tous_les_noms[positions[siennes]])
            else:
                ici = list(tous_les_noms[positions[siennes[:3]]])
            phrase = _communes_absentes(
                ici, int(absentes[g]), int(total[g]), fournie=fournie if hors[g] > _NOMS_ECRITS else ""
            )
            if coupees[siennes].all():
                phrase = phrase.replace("donnée absente", "classement partagé depuis une fusion")
            phrases.iloc[g] = phrase
        return phrases


def _melanger(somme: pd.DataFrame, ici: np.ndarray, autre: pd.DataFrame) -> pd.DataFrame:
    """Une somme, remplacée par l'autre là où ``ici`` est vrai."""
    return pd.DataFrame(
        {c: np.where(ici, autre[c].to_numpy(), somme[c].to_numpy()) for c in somme.columns}, index=somme.index
    )


def compter(nombre: int, nom: str = "") -> str:
    """« 1 commune », « 33 621 communes » : milliers séparés, nom accordé.

    Examples
    --------
    >>> compter(1, "commune"), compter(33621, "commune").replace(FINE, " "), compter(12)
    ('1 commune', '33 621 communes', '12')
    """
    ecrit = f"{int(nombre):,}".replace(",", FINE)
    return f"{ecrit} {nom}{'s' if nombre > 1 else ''}" if nom else ecrit


def _est_un_ensemble(valeurs: np.ndarray, ancien: int, autres: list[int]) -> bool:
    """Seul l'ancien code d'une commune scindée est renseigné : son chiffre est celui de toutes."""
    return bool(~np.isnan(valeurs[ancien]) and np.isnan(valeurs[autres]).all())


def _fournie(departements: list[str]) -> str:
    """Ce que la source fournit : les départements nommés, ou comptés.

    >>> _fournie(["53"]), _fournie(["01", "08"])
    ('donnée fournie pour Mayenne seulement', 'donnée fournie pour Ain et Ardennes seulement')
    """
    if not departements:
        return "donnée absente de la source pour toutes les communes"
    if len(departements) > _DEPARTEMENTS_ECRITS:
        return f"donnée fournie pour {len(departements)} départements seulement"
    noms = lire_table("departements", colonnes=["code", "nom"]).set_index("code")["nom"]
    *debut, fin = [noms[d] for d in departements]
    return f"donnée fournie pour {', '.join(debut)}{' et ' if debut else ''}{fin} seulement"


def _communes_absentes(noms: list[str], n: int, total: int, *, fournie: str) -> str:
    """« donnée absente pour 2 communes sur 37 (Cosmes, Fontaine-Couverte) » : quatre noms au plus."""
    phrase = f"donnée absente pour {compter(n, 'commune')} sur {compter(total)}"
    if fournie:
        return f"{phrase} ({fournie.removeprefix('donnée ')})"
    if n <= _NOMS_ECRITS:
        return f"{phrase} ({', '.join(noms)})"
    return f"{phrase} ({', '.join(noms[:3])} et {compter(n - 3)} autres)"


_MAILLES_COMPARABLES = {"epci", "departement", "region", "france"}


# Ce qui est compté commune par commune s'y tait.
HORS_SUIVI = "naissances non suivies dans les collectivités d'outre-mer"


def annee_des_taux(taux: pd.DataFrame, demandee: int | None) -> int:
    """Année des taux de couverture : celle demandée si elle est publiée, sinon la dernière comparable.

    Comparable : l'EPCI, le département, la région et la France y sont tous. Un fichier d'EPCI importé seul ne
    fait pas perdre leurs références aux autres.
    """
    annees = taux["annee"].dropna().astype(int)
    if demandee is not None and demandee in set(annees):
        return demandee
    completes = taux["maille"].groupby(annees).agg(set)
    comparables = [a for a, mailles in completes.items() if mailles >= _MAILLES_COMPARABLES]
    return max(comparables, default=max(annees))


def premiere_connue(tables: Iterator[pd.DataFrame]) -> pd.DataFrame:
    """Des résultats de la même mesure, année par année : chaque territoire garde le premier dont le dénominateur
    est connu, à défaut le dernier : celui de l'année où le plus de communes sont connues dit juste pourquoi."""
    rendue = next(tables)
    while (muets := rendue["denominateur"].isna()).any():
        autre = next(tables, None)
        if autre is None:
            break
        rendue = rendue.where(~muets, autre)
    return rendue.astype({"annee": int})


def resultat(codes: pd.Index, **colonnes) -> pd.DataFrame:
    """Résultat d'un calcul, toutes colonnes présentes, indexé par code de territoire."""
    textes = ("motif", "statut", "maille_source", "modalite", "millesime", "source")
    return pd.DataFrame(
        {
            nom: _en_tableau(colonnes.get(nom, "" if nom in textes else float("nan")), codes)
            for nom in COLONNES_RESULTAT
        },
        index=codes,
    )


def _en_tableau(valeurs, codes: pd.Index):
    """Les valeurs d'une colonne, rangées comme les codes : un réalignement de moins quand elles le sont déjà."""
    if not isinstance(valeurs, pd.Series):
        return valeurs
    return valeurs.array if valeurs.index is codes or valeurs.index.equals(codes) else valeurs.reindex(codes).array
