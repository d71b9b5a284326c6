"""Du fichier lu en textes à la table canonique, une ligne à la fois comptée.

Ce que les lecteurs partagent : trouver une colonne sous ses divers noms, écarter une ligne avec sa raison,
refuser un fichier en disant tous ses défauts, ramener au COG, retrouver un millésime que rien n'annonce, confronter
ce qu'un fichier dit deux fois.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd

from cafdiag.donnees.compte_rendu import Brut, CompteRendu, Lecture, Rejet
from cafdiag.donnees.entetes import Choix
from cafdiag.donnees.lecteurs import au_cog
from cafdiag.donnees.lecteurs.au_cog import ramener, reunir_classes
from cafdiag.donnees.nettoyage import annee as lire_annee
from cafdiag.donnees.nettoyage import (
    code_commune,
    code_departement,
    communes_connues,
    departement_de,
    nombre,
    sans_nombre,
)
from cafdiag.donnees.tableurs import lire_tableau
from cafdiag.erreurs import EntreeFautive
from cafdiag.magasin import lire_table
from cafdiag.territoires import a_jour

HORS_COMMUNE = "autre maille que la commune"
_MOTS_VIDES = frozenset({"le", "la", "les", "l", "de", "du", "des", "d", "et", "en", "sur", "sous", "a", "au", "aux",
                         "st", "ste", "saint", "sainte"})
INCONNUE = "commune inconnue de tout COG"
REPETEE = "ligne répétée à l'identique"
_MONTRES = 10


@lru_cache(maxsize=4096)
def simple(nom: str) -> str:
    """Nom de colonne sans casse, accent ni ponctuation.

    >>> simple("Code Insee (Libellé)"), simple("P22_POP0002")
    ('code_insee_libelle', 'p22_pop0002')
    """
    nu = unicodedata.normalize("NFKD", nom).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "_", nu).strip("_")


def trouver(entete: Iterable[str], *motifs: str) -> str | None:
    """Première colonne dont le nom simple vérifie un des motifs (dans l'ordre des motifs).

    >>> trouver(["LIBGEO", "CODGEO"], "codgeo|code_commune")
    'CODGEO'
    """
    noms: dict[str, str] = {}
    for nom in entete:
        noms.setdefault(simple(nom), nom)
    for motif in motifs:
        trouve = next(filter(re.compile(motif).fullmatch, noms), None)
        if trouve is not None:
            return noms[trouve]
    return None


def trouver_tout(entete: Iterable[str], motif: str) -> dict[str, re.Match]:
    """Toutes les colonnes qui vérifient un motif, avec leur correspondance."""
    paires = ((nom, re.fullmatch(motif, simple(nom))) for nom in entete)
    return {nom: trouve for nom, trouve in paires if trouve}


# Les noms qu'ont portés les codes de commune, du plus au moins précis.
COMMUNE = (
    r"codgeo(_20\d\d)?|code_?cog(_?20\d\d)?|code_?(commune|insee)(_20\d\d)?|depcom|com_?insee|insee_?com(mune)?|"
    r"code_insee_(de_la_)?commune|code_(officiel_)?(de_la_)?commune|num_?com(mune)?|numero_commune|insee",
    r"com", r"geo", r"code_geo(graphique)?", r"code|cle",
)


def cle_de_nom(nom: str) -> str:
    """Nom réduit à ses mots pleins : « CHATEAU GONTIER SUR MAYENNE » vaut « Château-Gontier-sur-Mayenne ».

    >>> cle_de_nom("L'ETANG SALE") == cle_de_nom("L'Étang-Salé")
    True
    """
    nu = nom if nom.isascii() else unicodedata.normalize("NFKD", nom).encode("ascii", "ignore").decode()
    mots = [m for m in re.findall("[a-z0-9]+", nu.lower()) if m not in _MOTS_VIDES]
    return " ".join(mots) or simple(nom)


# Noms de colonne qui ne disent pas de quel niveau sont les codes.
_AMBIGU = re.compile(r"codgeo(_20\d\d)?|geo|code_geo(graphique)?|code|cle")
_NIVEAU = r"geo_object|nivgeo|niveau|type|typecom"
_PEU, _PART_COMPLETE, _PART_DES_NOMS = 10, 1 / 3, 0.3


@lru_cache(maxsize=1)
def _noms_de_communes() -> dict[str, set[str]]:
    noms: dict[str, set[str]] = {}
    for table, code, nom in (("communes", "code", "nom"), ("passage_cog", "code_ancien", "nom_ancien"),
                             ("passage_cog", "code", "nom")):
        for c, n in lire_table(table, colonnes=[code, nom]).dropna().itertuples(index=False, name=None):
            noms.setdefault(c, set()).add(cle_de_nom(n))
    return noms


def refuser(brut: Brut, *defauts: str, attendu: str = "", conseil: str = "") -> EntreeFautive:
    """L'erreur qui refuse le fichier entier (à lever)."""
    return EntreeFautive(brut.fichier, list(defauts), attendu=attendu, conseil=conseil)


def exiger(brut: Brut, **motifs: Sequence[str]) -> dict[str, str]:
    """Colonnes indispensables : rôle → nom dans le fichier ; toutes celles qui manquent sont dites."""
    cherchees = ((role, trouver(brut.entete, *m)) for role, m in motifs.items())
    trouvees = {role: nom for role, nom in cherchees if nom is not None}
    absentes = [role for role in motifs if role not in trouvees]
    if absentes:
        raise refuser(brut, *(f"colonne absente : {role.replace('_', ' ')}" for role in absentes),
                      attendu="les colonnes officielles ; trouvées : " + ", ".join(brut.entete[:15]))
    return trouvees


def a_colonnes(note: float, *voulues: str | Sequence[str], sans: Sequence[str] = ()) -> Callable[[Brut], float]:
    """Ce qui reconnaît un fichier : une colonne pour chacun de ces motifs, et aucune de ``sans``.

    >>> voir = a_colonnes(0.9, COMMUNE, "densite", sans=("annee",))
    >>> [voir(Brut(pd.DataFrame(), np.array([]), noms)) for noms in (["CODGEO", "Densité"], ["CODGEO"])]
    [0.9, 0.0]
    """
    def noter(brut: Brut) -> float:
        vues = all(trouver(brut.entete, *([m] if isinstance(m, str) else m)) for m in voulues)
        return note if vues and trouver(brut.entete, *sans) is None else 0.0
    return noter


class Chantier:
    """Un fichier en cours de lecture : quelles lignes restent, pourquoi les autres sont écartées."""

    def __init__(self, brut: Brut, jeu: str, *, annee: int | None = None) -> None:
        self.brut, self.jeu, self.annee_dite = brut, jeu, annee
        self.roles: dict[str, str] = {}
        self.remarques = list(brut.remarques)
        self.passages: dict[str, str] = {}
        self.inconnus: list[str] = []
        self._motifs: list[str] = [""]
        # Motifs dont les lignes sont comptées, non citées ; et celles qu'un tri a écartées avant.
        self._cotes: set[str] = set()
        self._deja_de_cote: dict[str, int] = {}
        self._motif = np.zeros(len(brut.table), dtype="int16")
        self._valeurs: dict[int, str] = {}
        self._deja_connus: pd.Series | None = None
        self._sans_nombre: dict[str, pd.Series] = {}

    def codes(self, colonne: str | pd.Series | None = None, *, liste: bool = False) -> pd.Series:
        """Les communes de cette colonne (de celle qui les dit, par défaut), celles qu'aucun COG ne connaît écartées."""
        if colonne is None:
            colonne = self.roles.get("commune") or exiger(self.brut, commune=COMMUNE)["commune"]
        codes = self.communes(colonne, liste=liste)
        self.connus(codes)
        return codes

    def annees(self, serie: pd.Series, *, debut: int | None = None) -> pd.Series:
        """L'année de chaque ligne (des ``debut`` premiers caractères) ; une année illisible écarte la sienne."""
        ans, raisons = lire_annee(serie if debut is None else serie.str.slice(0, debut))
        self.rejeter_selon(raisons, serie)
        return ans

    def annee_unique(self, colonne: str) -> int:
        """L'année, la même à chaque ligne gardée ; un fichier qui en mêle plusieurs est refusé."""
        ans = self.annees(self.brut.table[colonne])
        uniques = sorted({int(a) for a in ans[self.garde].dropna()})
        if len(uniques) != 1:
            raise refuser(self.brut, "plusieurs années mêlées : " + (", ".join(map(str, uniques)) or "aucune"),
                          attendu=f"une seule année dans la colonne « {colonne} »")
        return uniques[0]

    def annee_annoncee(self) -> int:
        """L'année donnée à l'import, sinon celle du nom du fichier ; sans l'une ni l'autre, il est refusé."""
        an = self.annee_dite or annee_du_nom(self.brut.fichier)
        if an is None:
            raise refuser(self.brut, "aucune colonne ne donne l'année, et le nom du fichier non plus",
                          attendu="une année", conseil="mettez l'année dans le nom du fichier (…_2022.csv)")
        return an

    @property
    def garde(self) -> np.ndarray:
        """Masque des lignes encore gardées."""
        return self._motif == 0

    def rejeter(self, masque, raison: str, valeurs: pd.Series | None = None) -> None:
        """Écarte des lignes encore gardées."""
        masque = np.asarray(masque, dtype=bool) & self.garde
        if not masque.any():
            return
        if raison not in self._motifs:
            self._motifs.append(raison)
        self._motif[masque] = self._motifs.index(raison)
        if valeurs is not None:
            rangs = np.flatnonzero(masque)
            textes = valeurs.iloc[rangs].astype(object)
            self._valeurs.update({i: str(v)[:80] for i, v in zip(rangs.tolist(), textes, strict=True)})

    def mettre_de_cote(self, masque, raison: str) -> None:
        """Écarte des lignes saines dont le jeu n'a que faire : elles sont comptées, non citées une par une."""
        self._cotes.add(raison)
        self.rejeter(masque, raison)

    def deja_de_cote(self, raison: str, nombre: int) -> None:
        """Compte des lignes qu'un tri a laissées dans le fichier."""
        if nombre:
            self._deja_de_cote[raison] = self._deja_de_cote.get(raison, 0) + nombre

    def rejeter_selon(self, raisons: pd.Series, valeurs: pd.Series) -> None:
        """Écarte chaque ligne dont la raison n'est pas vide."""
        for raison in raisons[self.garde].unique():
            if raison:
                self.rejeter((raisons == raison).to_numpy(), raison, valeurs)

    def communes(self, colonne: str | pd.Series, *, liste: bool = False) -> pd.Series:
        """Codes commune nettoyés ; les lignes sans commune sont écartées.

        ``liste`` : le fichier ne cite que les communes qui ont quelque chose, en avoir peu ne dit rien de son niveau.
        """
        serie = self.brut.table[colonne] if isinstance(colonne, str) else colonne
        if not liste:
            self._exiger_des_communes(serie)
        # Presque toujours, tous les codes sont déjà justes : seuls les autres sont examinés un à un.
        connus = communes_connues()
        if connus.issuperset(serie.unique().tolist()):
            self._deja_connus = serie
            return serie
        rangs, uniques = pd.factorize(serie.fillna(""))
        suspects = [i for i, u in enumerate(uniques.tolist()) if u not in connus]
        # Une ligne déjà écartée (une zone d'emploi « 9312 ») n'a pas de code de commune à réparer.
        examen = np.isin(rangs, suspects) & self.garde
        codes = code_commune(serie[examen])
        valeurs = serie.copy()
        valeurs[examen] = codes.valeurs
        raisons = pd.Series("", index=serie.index, dtype="str")
        raisons[examen] = codes.raisons
        self.rejeter_selon(raisons, serie)
        self.remarques += codes.remarque()
        return valeurs

    def _exiger_des_communes(self, serie: pd.Series) -> None:
        """Refuse un fichier d'un autre niveau, dont les codes sont à la lettre des codes de commune.

        Les codes de bassin de vie et d'unité urbaine de l'Insee en sont. Sans colonne de niveau, et si le nom de
        la colonne ne dit pas « commune », les libellés puis le nombre de lignes tranchent.
        """
        brut = self.brut
        if self.jeu != "communes" or not _AMBIGU.fullmatch(simple(str(serie.name))) or trouver(brut.entete, _NIVEAU):
            return
        codes = pd.Series(serie[self.garde].unique()).astype("str").str.replace(r"^(\d{4}-)?(COM|ARM)-", "", regex=True)
        conseil = ("prenez le fichier des communes ; si ce sont bien des communes, ajoutez une colonne NIVGEO qui "
                   "vaut COM à chaque ligne")
        if nom := trouver(brut.table.columns, r"libgeo|lib_?geo|libelle(_geo(graphique)?)?|nom"):
            paires = pd.DataFrame({"code": serie, "nom": brut.table[nom]})[self.garde].drop_duplicates()
            # « Paris 1er » s'écrit de cent façons : un arrondissement n'est pas jugé.
            juges = [(c, n) for c, n in paires.itertuples(index=False, name=None)
                     if n and c in _noms_de_communes() and not c.startswith(("751", "132", "6938"))]
            faux = [(c, n) for c, n in juges if cle_de_nom(n) not in _noms_de_communes()[c]]
            if len(juges) >= _PEU and len(faux) > _PART_DES_NOMS * len(juges):
                raise refuser(brut, f"{len(faux)} libellés sur {len(juges)} ne sont pas ceux de ces communes "
                              f"({faux[0][0]} : « {faux[0][1]} »)",
                              attendu="un fichier à la commune, pas d'une autre zone aux codes semblables",
                              conseil=conseil)
        communes = lire_table("communes", colonnes=["code", "type", "epci"])
        communes = communes[communes["type"].eq("COM")]
        connues = communes[communes["code"].isin(a_jour(codes)["code_actuel"].dropna() if len(codes) < 5000 else codes)]
        toutes = communes["epci"].isin(connues["epci"].dropna()).sum()
        if len(connues) >= _PEU and len(connues) < _PART_COMPLETE * toutes:
            raise refuser(brut, f"{len(codes)} lignes pour {toutes} communes des mêmes intercommunalités : ce sont "
                          "sans doute des bassins de vie, des unités urbaines ou d'autres zones, dont les codes "
                          "sont aussi ceux de communes", attendu="une ligne par commune, ou une colonne qui dit le "
                          "niveau (GEO_OBJECT, NIVGEO)", conseil=conseil)

    def mailles_communales(self) -> None:
        """Forme longue : ne garde que les lignes de communes et d'arrondissements."""
        objet = trouver(self.brut.entete, r"geo_object|nivgeo|niveau")
        if objet:
            self.mettre_de_cote(~self.brut.table[objet].isin(["COM", "ARM"]), HORS_COMMUNE)

    def codes_geo(self, colonne: str) -> pd.Series:
        """Codes d'une colonne GEO, écrits « 01001 » ou « 2025-COM-01001 »."""
        serie = self.brut.table[colonne].str.replace(r"^(\d{4}-)?(COM|ARM)-", "", regex=True)
        return self.codes(serie)

    def exiger_entier(self) -> None:
        """Refuse un fichier à lignes mal formées, quand plusieurs lignes s'ajoutent en un même total."""
        if self.brut.rejets:
            raise refuser(self.brut, *map(str, self.brut.rejets[:_MONTRES]),
                          attendu="un fichier entier : une ligne perdue fausserait un total",
                          conseil="retéléchargez-le, ou corrigez ces lignes")

    def sans_rejet(self, motif: str, *, sauf: Sequence[str] = ()) -> None:
        """Refuse le fichier si une ligne a été écartée pour une autre raison que celles dites."""
        graves = [r for r in self.compte_rendu().rejets if r.raison not in sauf] if not self.garde.all() else []
        if graves:
            raise refuser(self.brut, *map(str, graves[:_MONTRES]),
                          *([f"et {len(graves) - _MONTRES} autres"] if len(graves) > _MONTRES else []),
                          attendu=f"aucune ligne fautive : {motif}",
                          conseil="corrigez ces lignes, ou retéléchargez le fichier")

    def nombres(self, colonne: str, *, positif: bool = True, vide: str = "non_disponible",
                ) -> tuple[pd.Series, pd.Series]:
        """Valeurs et statuts d'une colonne ; une case illisible (ou négative) écarte sa ligne."""
        serie = self.brut.table[colonne]
        valeurs, statuts = nombre(serie, vide=vide)
        if valeurs is not serie:  # déjà lue en nombres, elle n'a rien d'illisible
            self.rejeter(statuts.eq("illisible"), f"{colonne} : ce n'est pas un nombre", serie)
            self._sans_nombre[colonne] = serie[valeurs.isna()]
        if positif:
            self.rejeter(valeurs.to_numpy() < 0, f"{colonne} : nombre négatif", serie)
        return valeurs, statuts

    def sans_doublon(self, cles: list[pd.Series], donnees: pd.DataFrame) -> None:
        """Une ligne répétée à l'identique est écartée ; deux lignes contraires font refuser le fichier."""
        garde = self.garde
        # Une clé dont chaque valeur est unique : rien à comparer.
        if len(cles) == 1 and cles[0].is_unique:
            return
        cle = pd.DataFrame({str(i): c for i, c in enumerate(cles)})[garde]
        doubles = cle.duplicated(keep="first")
        if not doubles.any():
            return
        concernees = cle.duplicated(keep=False)
        valeurs = donnees[garde][concernees.to_numpy()]
        fiche = pd.concat([cle[concernees], valeurs.add_prefix("v_")], axis=1)
        # Chaque exemplaire doit égaler le premier de sa clé.
        contraires = fiche.drop_duplicates().duplicated(list(cle.columns))
        if contraires.any():
            rangs = list(contraires[contraires].index)[:_MONTRES]
            raise refuser(
                self.brut,
                *(f"ligne {self.brut.lignes[i]} : {' '.join(map(str, cle.loc[i]))} déjà lu, avec d'autres "
                  "valeurs" for i in rangs),
                attendu="une ligne par clé", conseil="retirez la ligne de trop, ou retéléchargez le fichier")
        masque = np.zeros(len(garde), dtype=bool)
        masque[doubles[doubles].index] = True
        self.rejeter(masque, REPETEE, cle["0"].reindex(self.brut.table.index))

    def compte_rendu(self) -> CompteRendu:
        """Le compte, vérifié."""
        rejets = list(self.brut.rejets)
        de_cote = dict(self._deja_de_cote)
        comptes = np.bincount(self._motif, minlength=len(self._motifs))
        for rang, raison in enumerate(self._motifs):
            if raison in self._cotes and comptes[rang]:
                de_cote[raison] = de_cote.get(raison, 0) + int(comptes[rang])
        cites = [raison not in self._cotes for raison in self._motifs]
        rejets += [Rejet(int(self.brut.lignes[i]), self._motifs[self._motif[i]], self._valeurs.get(i, ""))
                   for i in np.flatnonzero(self._motif).tolist() if cites[self._motif[i]]]
        rejets.sort(key=lambda r: r.ligne)
        gardees = self.brut.table.index[self.garde]
        dites = [d for nom, s in self._sans_nombre.items() for d in sans_nombre(nom, s[s.index.isin(gardees)])]
        return CompteRendu(
            fichier=self.brut.fichier, jeu=self.jeu,
            lues=self.brut.lues + sum(self._deja_de_cote.values()), gardees=int(self.garde.sum()),
            rejets=rejets, de_cote=de_cote, codes_passes=self.passages, codes_inconnus=sorted(self.inconnus),
            remarques=list(dict.fromkeys([*self.remarques, *dites])), empreinte=self.brut.empreinte)

    def codes_rejetes(self) -> set[str]:
        """Codes, tels qu'écrits ou actuels, cités par une ligne écartée : ni zéro ni valeur pour eux."""
        bruts = {c for nom in self.brut.table if trouver([nom], *COMMUNE)
                 for c in self.brut.table.loc[~self.garde, nom]}
        return bruts | {d for c in bruts for d in self.passages.get(c, "").split()}

    def refuser_si_vide(self, attendu: str) -> None:
        """Refuse un fichier dont aucune ligne ne reste : un résultat vide serait un silence."""
        if not self.garde.any():
            raisons = self.compte_rendu().raisons()
            raise refuser(self.brut, "aucune ligne utilisable",
                          *(f"{n} ligne(s) : {r}" for r, n in list(raisons.items())[:5]), attendu=attendu)

    def rendre(self, table: pd.DataFrame, *, annees: Iterable[int], source: str, millesime: str) -> Lecture:
        """La lecture finie."""
        return Lecture(self.jeu, table, self.compte_rendu(), tuple(sorted(set(annees))), source, millesime)

    def connus(self, codes: pd.Series) -> None:
        """Écarte les codes qu'aucun millésime ne porte, et les garde en mémoire pour le compte rendu."""
        if codes is self._deja_connus:
            return
        connus = communes_connues()
        faux = set((codes if self.garde.all() else codes[self.garde]).unique().tolist()) - connus
        if faux:
            self.inconnus = sorted(faux)
            self.rejeter(codes.isin(self.inconnus), INCONNUE, codes)

    def points_au_cog(self, table: pd.DataFrame, *, millesime: int | None = None) -> pd.DataFrame:
        """Remplace le code de chaque structure par celui de sa commune actuelle.

        Une structure d'une commune scindée garde son code : son point seul dirait laquelle.
        """
        destin = a_jour(pd.Series(table["code"].unique(), dtype="str"), cog=millesime)
        bouges = destin[destin["statut"] == "passe"]
        neufs = dict(zip(bouges["code_origine"], bouges["code_actuel"], strict=True))
        self.passages |= neufs
        return table.assign(code=table["code"].replace(neufs))

    def au_cog(self, table: pd.DataFrame, *, additives: Sequence[str] = (), non_additives: Sequence[str] = (),
               classes: Sequence[str] = (), jointes: bool = False, cle: str | None = au_cog.ENSEMBLE,
               millesime: int | None = None) -> pd.DataFrame:
        """Ramène au COG de référence ; les passages vont au compte rendu, les statuts à côté des valeurs.

        Une colonne jumelle ``<nom>__statut`` n'existe que si une case n'est pas « exact ». Un classement
        (``classes``) commun à toutes les parties d'une commune fusionnée est le sien ; s'ils diffèrent, il
        est tu, ou donné en entier (« C / NC ») si ``jointes``.
        """
        additives, non_additives = list(additives), [*non_additives, *classes]
        avant = table.copy() if classes else None
        jumelles = {c: table.pop(c) for c in list(table) if c.endswith("__statut")}
        publies = pd.DataFrame({"code": table["code"], **jumelles}).set_index("code")
        resultat, passages, statuts = ramener(table, additives=additives, non_additives=non_additives, cle=cle,
                                               cog=millesime)
        if classes:
            resultat, statuts = reunir_classes(avant, resultat, statuts, list(classes), jointes=jointes)
        bouges = passages[passages["statut"] != "inconnu"]
        self.passages |= dict(zip(bouges["code_origine"], bouges["cibles"], strict=True))
        self.inconnus = sorted({*self.inconnus, *passages.loc[passages["statut"] == "inconnu", "code_origine"]})
        for motif, lignes in statuts.groupby("motif"):
            codes = sorted(set(lignes["code"]))
            suite = "…" if len(codes) > _MONTRES else ""
            self.remarques.append(f"{', '.join(codes[:_MONTRES])}{suite} : {lignes['statut'].iloc[0]} ({motif})")
        rang = pd.Index(resultat["code"])
        for nom in dict.fromkeys([*(c.removesuffix("__statut") for c in jumelles), *statuts["colonne"]]):
            if f"{nom}__statut" in publies:
                colonne = publies[f"{nom}__statut"].reindex(rang).astype(object).to_numpy(copy=True)
                colonne[pd.isna(colonne)] = "exact"
            else:
                colonne = np.full(len(rang), "exact", dtype=object)
            siens = statuts[statuts["colonne"] == nom].drop_duplicates("code")
            colonne[rang.get_indexer(siens["code"])] = siens["statut"].to_numpy(dtype=object)
            colonne[resultat[nom].isna().to_numpy() & (colonne == "exact")] = "non_disponible"
            resultat[f"{nom}__statut"] = pd.Series(colonne, index=resultat.index, dtype="str")
        return resultat


def ouvrir(chemin: Path, jeu: str, *, feuille: str | None, annee: int | None, colonnes: Choix = None,
           nombres: Choix = (), **roles: Sequence[str]) -> Chantier:
    """Lit le fichier et exige ses colonnes (rôle → motifs) : un :class:`Chantier` prêt, ses ``roles`` trouvés."""
    brut = lire_tableau(chemin, feuille=feuille, colonnes=colonnes, nombres=nombres)
    trouves = exiger(brut, **roles)
    chantier = Chantier(brut, jeu, annee=annee)
    chantier.roles = trouves
    return chantier


def adresse(brut: Brut, *colonnes: str) -> pd.Series:
    """Une adresse sur une ligne, de ces colonnes mises bout à bout (celles qui y sont)."""
    morceaux = [brut.table[c] for nom in colonnes if (c := trouver(brut.entete, nom))]
    if not morceaux:
        return pd.Series("", index=brut.table.index)
    texte = morceaux[0].str.cat(morceaux[1:], sep=" ") if len(morceaux) > 1 else morceaux[0]
    return texte.str.replace(r"\s+", " ", regex=True).str.strip()


def completer_par_zero(chantier: Chantier, table: pd.DataFrame) -> pd.DataFrame:
    """Zéro pour les communes qu'une liste nationale ne cite pas, dans les départements qu'elle couvre.

    Une liste de moins de 90 départements est partielle : elle ne dit rien des communes absentes. Paris, Lyon
    et Marseille sont la somme de leurs arrondissements dès qu'un seul est cité.
    """
    communes = lire_table("communes", colonnes=["code", "type", "departement", "commune_mere"])
    communes = communes[communes["type"].isin(["COM", "ARM"])]
    couverts = set(communes.loc[communes["code"].isin(table["code"]), "departement"])
    if len(couverts) < 90:
        chantier.remarques.append("liste partielle : rien n'est dit des communes qu'elle ne cite pas")
        return table
    cites = set(table["code"])
    meres = communes.dropna(subset=["commune_mere"]).set_index("code")["commune_mere"]
    par_arrondissement = set(meres[meres.index.isin(cites)])
    exclus = cites | chantier.codes_rejetes() | set(meres[~meres.isin(par_arrondissement)].index)
    absentes = communes.loc[communes["departement"].isin(couverts) & ~communes["code"].isin(exclus), "code"]
    zeros = pd.DataFrame({"code": absentes[~absentes.isin(par_arrondissement)]})
    for nom in table:
        if nom != "code":
            zeros[nom] = "exact" if nom.endswith("__statut") else 0.0
    chantier.remarques.append(f"liste nationale : zéro pour {len(zeros)} communes qu'elle ne cite pas")
    table = pd.concat([table, zeros], ignore_index=True)
    # Les arrondissements sont désormais tous là : la ville est leur somme.
    for ville in sorted(par_arrondissement - cites):
        siens = table[table["code"].isin(meres[meres.eq(ville)].index)]
        ligne = {nom: ("exact" if nom.endswith("__statut") else siens[nom].sum(skipna=False))
                 for nom in table if nom != "code"}
        table = pd.concat([table, pd.DataFrame([{"code": ville, **ligne}])], ignore_index=True)
    return table.sort_values("code", ignore_index=True)


# --- L'année d'un fichier qui ne la dit pas ---


def siecle(an: str) -> int:
    """Année à quatre chiffres d'un suffixe de l'Insee.

    >>> siecle("22"), siecle("1999"), siecle("68")
    (2022, 1999, 1968)
    """
    valeur = int(an)
    return valeur if valeur > 99 else valeur + (2000 if valeur < 60 else 1900)


def annee_de_colonne(nom: str) -> int | None:
    """Année qui finit un nom de colonne.

    >>> annee_de_colonne("PTOT23"), annee_de_colonne("PTOT_2023"), annee_de_colonne("PTOT")
    (2023, 2023, None)
    """
    chiffres = re.search(r"\d+$", simple(nom))
    return siecle(chiffres[0]) if chiffres else None


def annee_des_chiffres(population: pd.Series) -> int | None:
    """Millésime d'une population par commune que rien ne date : celui du référentiel qu'elle égale.

    Parameters
    ----------
    population : Series indexed by code
        Au COG du fichier ; les codes qui ont changé ne comptent pas.

    Returns
    -------
    int or None
        L'année dont au moins 9 communes sur 10 ont la même population (à l'arrondi des IRIS près).
    """
    referentiel = lire_table("communes").set_index("code")
    annees = sorted(int(c[-4:]) for c in referentiel if re.fullmatch(r"population_\d{4}", c))
    scores: dict[int, float] = {}
    for an in annees:
        paire = pd.concat([population, referentiel[f"population_{an}"].astype("float64")], axis=1,
                          join="inner").dropna()
        if len(paire) < 5:
            continue
        ecart = (paire.iloc[:, 0] - paire.iloc[:, 1]).abs()
        scores[an] = float((ecart <= 2).mean())
    meilleure = max(scores, key=lambda an: scores[an], default=None)
    return meilleure if meilleure is not None and scores[meilleure] >= 0.9 else None


def annee_du_nom(fichier: str) -> int | None:
    """Année écrite dans un nom de fichier, s'il n'y en a qu'une plausible (la dernière sinon).

    L'année d'une géographie (« …_2022_geo2025.csv ») n'est pas celle des chiffres : elle ne sert qu'à défaut.

    >>> annee_du_nom("liste-fs-20240801.csv"), annee_du_nom("rp22_cog2025.csv"), annee_du_nom("30000.csv")
    (2024, 2022, None)
    """
    jour = r"(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
    trouvees = re.findall(rf"(geo|cog|)[ _-]?(?<!\d)(20[0-4]\d)(?:{jour})?(?!\d)", fichier.lower())
    annees = [int(an) for geo, an in sorted(trouvees, key=lambda t: not t[0])]
    annees += [2000 + int(a) for a in re.findall(r"(?<![\d])(?:bpe|rp|zrr|filo)(\d\d)(?!\d)", fichier.lower())]
    return annees[-1] if annees else None


def millesime_cache(chantier: Chantier, population: pd.Series | None = None) -> int:
    """Année d'un fichier dont aucune colonne ne la porte : par ses chiffres, sinon par son nom."""
    if chantier.annee_dite is not None:
        return chantier.annee_dite
    an = annee_des_chiffres(population) if population is not None else None
    if an is not None:
        chantier.remarques.append(f"aucune colonne ne donne l'année : {an}, reconnue à ses populations")
        return an
    an = chantier.annee_annoncee()
    chantier.remarques.append(f"aucune colonne ne donne l'année : {an}, lue dans le nom du fichier")
    return an


# --- Ce qu'un fichier dit deux fois : un chiffre ou un code abîmé se trahit en se contredisant ---


_PART_ISOLEE = 0.02


@lru_cache(maxsize=1)
def _par_nom() -> dict[tuple[str, str], set[str]]:
    communes = lire_table("communes", colonnes=["code", "nom", "departement"])
    resultat: dict[tuple[str, str], set[str]] = {}
    for code, nom, dep in communes.itertuples(index=False, name=None):
        if isinstance(dep, str):
            resultat.setdefault((dep, cle_de_nom(nom)), set()).add(code)
    anciens = lire_table("anciens_noms", colonnes=["code_ancien", "nom", "code"])
    for ancien, nom, code in anciens.itertuples(index=False, name=None):
        resultat.setdefault((departement_de(ancien), cle_de_nom(nom)), set()).update((ancien, code))
    return resultat


def verifier_communes(c: Chantier, codes: pd.Series, nom: str | None, departement: str | None) -> None:
    """Écarte les lignes dont le nom ou le département contredit le code de commune."""
    if departement is not None:
        dit = code_departement(c.brut.table[departement]).valeurs
        faux = dit.notna() & codes.notna() & dit.ne(codes.map(departement_de, na_action="ignore"))
        c.rejeter(faux, "le département contredit le code de la commune", codes)
    if nom is None:
        return
    paires = pd.DataFrame({"code": codes, "nom": c.brut.table[nom]})[c.garde].drop_duplicates().dropna()
    faux = set()
    for code, texte in paires.itertuples(index=False, name=None):
        autres = _par_nom().get((departement_de(code), cle_de_nom(texte)), set())
        # Un nom inconnu ne prouve rien (communes renommées) ; le nom exact d'une autre commune, si.
        if autres and code not in autres and not (autres & _devenirs(code)):
            faux.add((code, texte))
    if faux:
        masque = [(code, texte) in faux for code, texte in zip(codes, c.brut.table[nom], strict=True)]
        c.rejeter(np.array(masque), "le nom est celui d'une autre commune", codes)


@lru_cache(maxsize=4096)
def _devenirs(code: str) -> frozenset[str]:
    cibles = a_jour([code])["cibles"].iloc[0]
    return frozenset() if pd.isna(cibles) else frozenset(cibles.split())


def verifier_annees(c: Chantier, annees: pd.Series) -> None:
    """Écarte les années isolées d'un grand fichier : un chiffre abîmé, pas un millésime."""
    comptes = annees[c.garde].value_counts()
    if comptes.empty:
        return
    isolees = comptes.index[comptes < _PART_ISOLEE * comptes.max()]
    if len(isolees):
        c.rejeter(annees.isin(isolees).to_numpy(dtype=bool), "année isolée : une poignée de lignes pour tout "
                  "le fichier", annees)


def verifier_somme(c: Chantier, valeurs: pd.DataFrame, parties: list[str], total: str, tolerance: float) -> None:
    """Écarte les lignes dont le total publié n'est pas la somme des parties publiées."""
    if total in valeurs and all(p in valeurs for p in parties):
        ecart = (valeurs[parties].sum(axis=1, skipna=False) - valeurs[total]).abs()
        c.rejeter(ecart.gt(tolerance + 1e-6), f"le total ({total}) n'est pas la somme de ses parties",
                  valeurs[total])


def verifier_entiers(c: Chantier, valeurs: pd.DataFrame) -> None:
    """Écarte les lignes où un effectif n'est pas entier."""
    for nom in valeurs:
        c.rejeter((valeurs[nom] % 1).gt(0), f"{nom} : un effectif n'est pas entier", valeurs[nom])


def verifier_pas(c: Chantier, valeurs: pd.DataFrame) -> None:
    """Dans un fichier arrondi (presque tout est multiple de 5), écarte les valeurs qui ne le sont pas."""
    if not c.garde.any() or valeurs.empty:
        return
    restes = (valeurs % 5).gt(0)
    gardes = restes[c.garde]
    if gardes.size >= 100 and gardes.to_numpy().mean() < 0.01:
        for nom in valeurs:
            c.rejeter(restes[nom], f"{nom} : pas un multiple de 5 dans un fichier arrondi à 5", valeurs[nom])


def codes_perdus(c: Chantier, brute: pd.Series) -> set[str]:
    """Codes que portaient peut-être les lignes rejetées, à un caractère abîmé près.

    Une fusion dont un terme est sur une ligne abîmée ne doit pas être publiée sans lui.
    """
    textes = [*brute[~c.garde].astype(str), *(r.valeur for r in c.brut.rejets)]
    perdus: set[str] = set()
    for texte in set(textes):
        for i in range(max(1, min(len(texte), 80) - 4)):
            fenetre = texte[i:i + 5].upper()
            for k in range(len(fenetre)):
                perdus |= _a_un_pres().get(fenetre[:k] + "?" + fenetre[k + 1:], frozenset())
    return perdus


@lru_cache(maxsize=1)
def _a_un_pres() -> dict[str, set[str]]:
    liens = lire_table("passage_cog", colonnes=["code_ancien", "code"])
    resultat: dict[str, set[str]] = {}
    for code in set(liens["code_ancien"]) | set(liens["code"]):
        for k in range(5):
            resultat.setdefault(code[:k] + "?" + code[k + 1:], set()).add(code)
    return resultat


def passer(c: Chantier, table: pd.DataFrame, *, brute: pd.Series, additives: list[str],
           non_additives: Sequence[str] = (), villes: bool = True) -> pd.DataFrame:
    """Ramène au COG, note les passages, et ajoute une colonne jumelle ``…__statut`` là où un statut compte.

    ``brute`` est la colonne des codes telle qu'elle est dans le fichier.
    """
    apres, passages, statuts = ramener(table, additives=additives, non_additives=[*non_additives],
                                       villes=villes, cle=au_cog.ENSEMBLE, perdus=codes_perdus(c, brute))
    for ancien, cibles, statut in passages[["code_origine", "cibles", "statut"]].itertuples(index=False):
        if statut != "inconnu":
            c.passages[ancien] = cibles
    if len(statuts):
        cles = [k for k in table.columns if k not in {*additives, *non_additives}]
        for colonne, groupe in statuts.groupby("colonne"):
            par_cle = groupe.set_index(cles)["statut"]
            index = pd.MultiIndex.from_frame(apres[cles]) if len(cles) > 1 else pd.Index(apres[cles[0]])
            apres[f"{colonne}__statut"] = pd.Series(
                par_cle.reindex(index).fillna("exact").to_numpy(), index=apres.index, dtype="str")
    return apres


def nom_libre(texte: str) -> str:
    """Un nom réduit à ses lettres et chiffres, pour un identifiant.

    >>> nom_libre("Belle-Beille / Nord")
    'belle-beille-nord'
    """
    return re.sub(r"_+", "-", simple(texte))
