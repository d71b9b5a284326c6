"""Masquer : choisir les cases à taire, élaguer, améliorer ; l'optimum quand il est à portée.

Chaque case protégée garde un témoin par sens : un déplacement des cases cachées que le lecteur ne peut pas exclure,
et qui la porte au-delà de ce qu'elle doit pouvoir être croisée. Un témoin en sert souvent plusieurs ; une case dont
aucun témoin ne se sert se montre. Un refus laisse une coupe, qui évite de reposer la même question.
"""

from __future__ import annotations

from dataclasses import dataclass

import highspy
import numpy as np
from scipy.sparse import csc_array, csr_array, hstack

from cafdiag.secret.probleme import Probleme, fondre
from cafdiag.secret.solveur import TOLERANCE, Audit, chemin, colonnes, nouveau, poser

# Une case déjà masquée ne coûte presque rien : assez pour préférer les chemins courts.
_DEJA = 1e-3
# Au-delà, un programme par case protégée sur tout le tableau coûterait plus qu'il ne rendrait : on regarde autour.
REGARD = 800
_PAS = 2
_COUPES = 4000
_ENSEMBLE = 8
# Ce que coûte un programme linéaire, si petit soit-il, en cases examinées.
_PROGRAMME = 300


@dataclass
class Taches:
    """Ce qui est à protéger : une ligne par case, sens et lecteur (``initie`` : -1, le lecteur quelconque)."""

    case: np.ndarray
    sens: np.ndarray
    besoin: np.ndarray
    initie: np.ndarray
    abandonnee: np.ndarray

    def __len__(self) -> int:
        return len(self.case)


def taches(p: Probleme, cachees: np.ndarray) -> Taches:
    """Ce que demande un problème, du plus grand besoin au plus petit ; une case montrée n'est plus à protéger."""
    lignes = []
    for sens, besoins in ((1, p.besoin_haut), (-1, p.besoin_bas)):
        for case in np.flatnonzero((besoins > 0) & cachees):
            lignes.append((case, sens, besoins[case], -1))
            lignes += [
                (case, sens, besoins[case], j) for j, connues in enumerate(p.inities) if case not in connues
            ]
    lignes.sort(key=lambda t: (t[3], -t[2], t[0], -t[1]))
    cases, signes, inities = (np.array([t[i] for t in lignes], dtype=int) for i in (0, 1, 3))
    demandes = np.array([t[2] for t in lignes], dtype=float)
    return Taches(cases, signes, demandes, inities, np.zeros(len(lignes), dtype=bool))


class Temoins:
    """Un témoin par tâche, et ce que chacun touche."""

    def __init__(self, p: Probleme, t: Taches) -> None:
        self.p, self.t = p, t
        self.de = np.full(len(t), -1)
        self.points: list[tuple[np.ndarray, np.ndarray]] = []
        self._par_case: dict[int, list[int]] = {}

    def servies(self, cases: np.ndarray, ecart: np.ndarray) -> np.ndarray:
        """Tâches que sert ce déplacement, à une échelle qu'il supporte, ou son contraire."""
        p, t = self.p, self.t
        tout = np.zeros(len(p.valeur))
        tout[cases] = ecart
        possible = np.zeros(len(t), dtype=bool)
        for signe in (1, -1):
            pousse = signe * tout[t.case]
            for sens in (1, -1):
                bonnes = (t.sens == sens) & (sens * pousse > 0)
                if bonnes.any():
                    jusqu = self._echelle(cases, signe * ecart, sens)
                    possible |= bonnes & (sens * pousse * jusqu >= t.besoin * (1 - TOLERANCE))
        for j in np.unique(t.initie[possible]):
            if j >= 0 and tout[p.inities[j]].any():
                possible &= t.initie != j
        return possible & ~t.abandonnee

    def _echelle(self, cases: np.ndarray, ecart: np.ndarray, sens: int) -> float:
        """Plus grand multiple de ce déplacement que le lecteur ne peut pas exclure."""
        p, bouge = self.p, ecart != 0
        cases, ecart = cases[bouge], ecart[bouge]
        borne = np.where(ecart > 0, p.marge[cases], p.recul_vers(sens)[cases])
        jusqu = float(np.min(borne / np.abs(ecart), initial=np.inf))
        if p.a_jeu:
            lignes = p.relations_de(cases)
            somme = p.relations[lignes][:, cases] @ ecart
            with np.errstate(divide="ignore", invalid="ignore"):
                limite = np.where(somme > 0, p.jeu_haut[lignes], p.jeu_bas[lignes]) / somme
            bouge = np.abs(somme) > 1e-9 * np.max(np.abs(ecart), initial=1e-300)
            jusqu = min(jusqu, float(np.min(limite[bouge], initial=np.inf)))
        return min(jusqu, 1e12)

    def retenir(self, cases: np.ndarray, ecart: np.ndarray, pour: np.ndarray) -> None:
        """Donne ce témoin à ces tâches."""
        utiles = ecart != 0
        rang = len(self.points)
        self.points.append((cases[utiles], ecart[utiles]))
        for case in cases[utiles]:
            self._par_case.setdefault(int(case), []).append(rang)
        self.de[pour] = rang

    def orphelines(self, cases: np.ndarray) -> np.ndarray:
        """Tâches dont le témoin bouge l'une de ces cases."""
        touches = {r for c in cases for r in self._par_case.get(int(c), ())}
        return np.flatnonzero(np.isin(self.de, list(touches)) & ~self.t.abandonnee) if touches else np.array([], int)


class Coupes:
    """Combinaisons de cases dont il faut garder assez : ``Σ poids des cases masquées ≥ 1``."""

    def __init__(self, n: int) -> None:
        self.lignes: list[tuple[np.ndarray, np.ndarray]] = []
        self._par_case: list[list[tuple[int, float]]] = [[] for _ in range(n)]
        self._vues: set[bytes] = set()

    def ajouter(self, cases: np.ndarray, poids: np.ndarray) -> None:
        """Retient une coupe."""
        cle = cases.tobytes() + np.round(poids, 9).tobytes()
        if cle in self._vues or len(self.lignes) >= _COUPES:
            return
        self._vues.add(cle)
        for c, w in zip(cases, poids, strict=True):
            self._par_case[c].append((len(self.lignes), float(w)))
        self.lignes.append((cases, poids))

    def interdit(self, case: int, masque: np.ndarray) -> bool:
        """Vrai si montrer cette case, le reste du masque inchangé, viole une coupe."""
        for rang, poids in self._par_case[case]:
            cases, tous = self.lignes[rang]
            if float(tous[masque[cases]].sum()) - poids < 1 - 1e-6:
                return True
        return False


class Masquage:
    """Le masque, ses témoins et ses coupes.

    Parameters
    ----------
    p : Probleme
    masque : array of bool
        Cases à masquer de toute façon.
    regard : int
        Au-delà de tant de cases cachées, on ne regarde qu'autour de celle dont il s'agit.
    """

    def __init__(self, p: Probleme, masque: np.ndarray | None = None, regard: int = REGARD) -> None:
        self.p, self.regard = p, regard
        self.impose = (p.protegee & p.masquable) | (np.zeros(len(p.valeur), bool) if masque is None else masque)
        self.t = taches(p, p.cachees(self.impose))
        self.masque = self.impose.copy()
        self.temoins = Temoins(p, self.t)
        self.coupes = Coupes(len(p.valeur))
        self.audit: Audit | None = None
        self.travail = 0
        # Cases qu'aucun masque ne protège assez : case, sens, écart atteint.
        self.insuffisantes: list[tuple[int, int, float]] = []
        self._solveur = nouveau()
        self._visees = np.zeros(len(p.valeur), dtype=bool)
        self._visees[self.t.case] = True
        self._refus = np.zeros(len(self.t), dtype=int)

    @property
    def grand(self) -> bool:
        """Vrai si les cases cachées sont trop nombreuses pour les regarder toutes à chaque question."""
        return int(self.p.cachees(self.masque).sum()) > self.regard

    @property
    def secondaires(self) -> np.ndarray:
        """Cases masquées pour en protéger d'autres."""
        return np.flatnonzero(self.masque & ~self.impose)

    def cout(self) -> float:
        """Ce que coûte le masque."""
        return float(self.p.cout[self.secondaires].sum())

    def _gelees(self, tache: int) -> np.ndarray:
        j = self.t.initie[tache]
        return self.p.inities[j] if j >= 0 else np.array([], dtype=int)

    # --- Construire ---

    def reconnaitre(self) -> None:
        """Donne un témoin aux tâches que les cases masquées de toute façon protègent déjà."""
        p, t = self.p, self.t
        cachees = p.cachees(self.masque)
        if not len(t):
            return
        audit = Audit(p, np.flatnonzero(cachees))
        for sens in (1, -1):
            siennes = (t.sens == sens) & (t.initie < 0) & ~t.abandonnee
            # Ensemble tant que cela en sert, puis une à une.
            for _ in range(_ENSEMBLE):
                restent = np.flatnonzero(siennes & (self.temoins.de < 0))
                if not len(restent):
                    break
                self.travail += _PROGRAMME + len(audit.cases)
                ecart = audit.pousser_ensemble(t.case[restent], t.besoin[restent], sens, cachees)
                pour = self.temoins.servies(audit.cases, ecart) & (self.temoins.de < 0)
                if not pour.any():
                    break
                self.temoins.retenir(audit.cases, ecart, pour)
            if self.grand:
                continue
            for tache in np.flatnonzero(siennes & (self.temoins.de < 0)):
                if self.temoins.de[tache] < 0:
                    self.travail += _PROGRAMME + len(audit.cases)
                    besoin = float(t.besoin[tache])
                    atteint, ecart, _ = audit.pousser(int(t.case[tache]), sens, cachees, besoin)
                    if atteint >= besoin * (1 - TOLERANCE):
                        self._partager(int(tache), audit.cases, ecart)

    def couvrir(self, lesquelles: np.ndarray, prix: np.ndarray) -> None:
        """Donne un témoin à ces tâches, en masquant ce qu'il faut ; ``prix`` : celui de chaque case."""
        for tache in lesquelles:
            if self.temoins.de[tache] < 0 and not self.t.abandonnee[tache]:
                self._tracer(int(tache), prix)

    def _tracer(self, tache: int, prix: np.ndarray) -> None:
        p, t = self.p, self.t
        case, sens, besoin = int(t.case[tache]), int(t.sens[tache]), float(t.besoin[tache])
        couts = np.where(self.p.cachees(self.masque), _DEJA, np.where(p.masquable, prix, np.inf))
        couts[self._gelees(tache)] = np.inf
        couts[case] = _DEJA
        for pas, large in ((_PAS, False), (_PAS + 1, False), (None, False), (None, True)):
            cases = np.arange(len(p.valeur)) if pas is None else p.autour(case, pas)
            self.travail += _PROGRAMME + len(cases)
            ecart = chemin(self._solveur, p, case, sens, besoin, couts[cases], cases, large=large)
            if ecart is not None:
                break
        else:
            # Tout masquer n'y suffirait pas : au mieux.
            self._abandonner(tache, couts)
            return
        self.masque[cases[(ecart != 0)]] |= p.masquable[cases[ecart != 0]]
        self._partager(tache, cases, ecart)

    def _partager(self, tache: int, cases: np.ndarray, ecart: np.ndarray) -> None:
        pour = self.temoins.servies(cases, ecart) & (self.temoins.de < 0)
        pour[tache] = True
        self.temoins.retenir(cases, ecart, pour)

    def _abandonner(self, tache: int, couts: np.ndarray) -> None:
        """Vise le plus que permettent toutes les cases masquables ; rien si ce n'est rien."""
        t = self.t
        case, sens = int(t.case[tache]), int(t.sens[tache])
        libres = np.isfinite(couts)
        toutes = np.flatnonzero(libres)
        atteint, _, _ = Audit(self.p, toutes).pousser(case, sens, libres, float(t.besoin[tache]))
        self.insuffisantes.append((case, sens, max(atteint, 0.0)))
        if atteint <= 1e-6 * t.besoin[tache] or atteint >= t.besoin[tache]:
            t.abandonnee[tache] = True
            return
        t.besoin[tache] = atteint * (1 - 1e-6)
        cases = np.arange(len(libres))
        ecart = chemin(self._solveur, self.p, case, sens, float(t.besoin[tache]), couts, cases, large=True)
        if ecart is None:
            t.abandonnee[tache] = True
            return
        self.masque[cases[ecart != 0]] |= self.p.masquable[ecart != 0]
        self._partager(tache, cases, ecart)

    # --- Élaguer ---

    def elaguer(self, ordre: np.ndarray) -> None:
        """Montre, dans cet ordre, les cases dont la protection peut se passer."""
        self._poser()
        for case in ordre:
            if self.masque[case] and not self.impose[case] and self.p.masquable[case]:
                self._montrer(int(case))

    def _poser(self) -> None:
        cachees = np.flatnonzero(self.p.cachees(self.masque))
        if self.audit is None or (self.audit.rang[cachees] < 0).any():
            self.audit = None if self.grand else Audit(self.p, cachees, coupes=True)

    def _montrer(self, case: int) -> bool:
        orphelines = self.temoins.orphelines(np.array([case]))
        if len(orphelines) and (self._isole(case) or self.coupes.interdit(case, self.masque)):
            return False
        self.masque[case] = False
        neufs: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
        restent = np.zeros(len(self.t), dtype=bool)
        restent[orphelines] = True
        # D'abord les voisines, et celles qui ont déjà dit non : un refus dispense des autres.
        voisines = np.isin(self.t.case, self.p.autour(case, 1))
        ordre = orphelines[np.lexsort((orphelines, -self._refus[orphelines], ~voisines[orphelines]))]
        for tache in ordre:
            if not restent[tache]:
                continue
            tache = int(tache)
            trouve = self._temoin(tache)
            if trouve is None:
                self._refus[tache] += 1
                self.masque[case] = True
                return False
            pour = self.temoins.servies(*trouve) & restent
            pour[tache] = True
            restent &= ~pour
            neufs.append((*trouve, pour))
        for cases, ecart, pour in neufs:
            self.temoins.retenir(cases, ecart, pour)
        return True

    def _isole(self, case: int) -> bool:
        """Vrai si montrer cette case en laisserait une autre, à protéger, seule cachée de sa relation."""
        p = self.p
        cachees = p.cachees(self.masque)
        for ligne in p.colonnes.indices[p.colonnes.indptr[case] : p.colonnes.indptr[case + 1]]:
            cases = p.relations.indices[p.relations.indptr[ligne] : p.relations.indptr[ligne + 1]]
            restent = cases[cachees[cases]]
            if len(restent) == 2 and p.jeu_bas[ligne] == 0 and p.jeu_haut[ligne] == 0:
                autre = restent[restent != case]
                if (self._visees[autre]).any():
                    return True
        return False

    def _temoin(self, tache: int) -> tuple[np.ndarray, np.ndarray] | None:
        """Un témoin parmi les cases cachées, ou None et une coupe."""
        p, t = self.p, self.t
        case, sens, besoin = int(t.case[tache]), int(t.sens[tache]), float(t.besoin[tache])
        cachees = p.cachees(self.masque)
        cachees[self._gelees(tache)] = False
        cachees[case] = True
        if self.audit is None:
            autour = p.autour(case, _PAS + 1)
            cases = autour[cachees[autour]]
            self.travail += _PROGRAMME + len(cases)
            couts = np.full(len(cases), 1.0)
            ecart = chemin(self._solveur, p, case, sens, besoin, couts, cases)
            return None if ecart is None else (cases, ecart)
        self.travail += _PROGRAMME + len(self.audit.cases)
        atteint, ecart, prix = self.audit.pousser(case, sens, cachees, besoin)
        if atteint >= besoin * (1 - TOLERANCE):
            return self.audit.cases, ecart
        if t.initie[tache] < 0:
            self._couper(self.audit, case, sens, besoin, prix)
        return None

    def _couper(self, audit: Audit, case: int, sens: int, besoin: float, prix: np.ndarray) -> None:
        """La coupe que donne un refus : quel que soit le masque, il en faut assez pour porter le besoin."""
        p = self.p
        reduit = -(p.relations[audit.lignes].T @ prix)
        reduit[case] -= sens
        marge = np.minimum(p.marge / besoin, 1e3)
        recul = np.minimum(p.recul_vers(sens) / besoin, 1e3)
        poids = np.where(reduit > 0, recul, marge) * np.abs(reduit)
        poids[np.abs(reduit) < 1e-9] = 0.0
        jeu = p.jeu_haut[audit.lignes] / besoin, p.jeu_bas[audit.lignes] / besoin
        dit = float(np.sum(np.maximum(-prix * jeu[0], -prix * jeu[1]))) if p.a_jeu else 0.0
        toujours = self.impose | (~p.vue)
        manque = 1.0 - dit - float(poids[toujours].sum())
        if manque < 1e-6:
            return
        libres = np.flatnonzero((poids > 0) & ~toujours & p.masquable)
        self.coupes.ajouter(libres, np.minimum(poids[libres] / manque, 1.0))


# Ce qu'on consacre à prouver un optimum, en pas du simplexe : un compte, pas une durée. Une preuve qui aboutit en
# demande quelques centaines ; une qui n'aboutit pas, des centaines de milliers.
_NOEUDS = 100
_BUDGET_TRANCHE = 8_000
_SANS_MIEUX = (highspy.HighsModelStatus.kInfeasible, highspy.HighsModelStatus.kObjectiveBound)


def chercher(m: Masquage, *, tours: int) -> bool:
    """Remplace le masque par un optimum ; le laisse tel quel s'il n'est pas trouvé en ``tours`` essais.

    Parameters
    ----------
    m : Masquage
        Déjà complet : son coût borne la recherche, ses coupes l'amorcent.
    tours : int
        Programmes entiers au plus.

    Returns
    -------
    bool
        Vrai si le masque est un optimum prouvé.
    """
    p, t = m.p, m.t
    libres = np.flatnonzero(p.masquable & ~m.impose & np.isfinite(p.cout))
    utiles = np.flatnonzero(p.masquable & np.isfinite(p.cout) | m.impose | ~p.vue)
    m.audit = Audit(p, utiles, coupes=True)
    if (t.initie >= 0).any():
        return False
    garde, pire, pas = m.masque.copy(), m.cout(), 0
    for _ in range(tours):
        choix, siens, tranche = _choisir(m, libres, pire)
        pas += siens
        if not tranche or pas > _BUDGET_TRANCHE:
            return False
        if choix is None:
            # Rien de moins coûteux ne satisfait les coupes : ce qu'on avait est un optimum.
            return True
        m.masque = m.impose.copy()
        m.masque[libres[choix]] = True
        avant, refus = len(m.coupes.lignes), 0
        m.temoins.de, anciens = np.full(len(t), -1), m.temoins.de
        for tache in np.flatnonzero(~t.abandonnee):
            if m.temoins.de[tache] >= 0:
                continue
            trouve = m._temoin(int(tache))
            if trouve is None:
                refus += 1
                continue
            pour = m.temoins.servies(*trouve) & (m.temoins.de < 0)
            pour[tache] = True
            m.temoins.retenir(*trouve, pour)
        if not refus:
            return True
        m.masque, m.temoins.de = garde, anciens
        if len(m.coupes.lignes) == avant:
            return False
    return False


def _choisir(m: Masquage, libres: np.ndarray, pire: float) -> tuple[np.ndarray | None, int, bool]:
    """Le choix le moins coûteux qui satisfait toutes les coupes, s'il coûte moins que ``pire`` ; les pas faits, et
    faux si la question n'est pas tranchée."""
    rang = np.full(len(m.p.valeur), -1)
    rang[libres] = np.arange(len(libres))
    lignes, rangs, poids = [], [], []
    for k, (cases, w) in enumerate(m.coupes.lignes):
        lignes += [k] * len(cases)
        rangs += rang[cases].tolist()
        poids += w.tolist()
    n, nb = len(libres), len(m.coupes.lignes)
    a = csc_array((poids, (lignes, rangs)), shape=(nb, n))
    h = nouveau()
    h.setOptionValue("presolve", "choose")
    h.setOptionValue("solver", "choose")
    h.setOptionValue("mip_max_nodes", _NOEUDS)
    h.setOptionValue("mip_rel_gap", 0.0)
    h.setOptionValue("objective_bound", pire)
    plein = np.full(nb, 1 - TOLERANCE), np.full(nb, np.inf)
    poser(h, colonnes(a), np.zeros(n), np.ones(n), *plein, m.p.cout[libres], entiers=True)
    h.run()
    etat, dit = h.getModelStatus(), h.getInfo()
    pas = int(dit.simplex_iteration_count)
    if etat != highspy.HighsModelStatus.kOptimal:
        return None, pas, etat in _SANS_MIEUX
    x = np.array(h.getSolution().col_value)
    if dit.objective_function_value >= pire - 1e-6:
        return None, pas, True
    return np.flatnonzero(x > 0.5), pas, True


_TOURS_ENTIERS = 40
_PETIT = 160


@dataclass(frozen=True)
class Solution:
    """Un masque prouvé.

    Attributes
    ----------
    masque : array of bool
    optimal : bool
        Vrai si aucun masque moins coûteux ne protège autant.
    insuffisantes : tuple
        ``(case, sens, écart atteint)`` des cases qu'aucun masque ne protège assez.
    """

    masque: np.ndarray
    optimal: bool
    insuffisantes: tuple[tuple[int, int, float], ...]


def resoudre(
    p: Probleme, masque: np.ndarray | None = None, *, effort: int = 250_000, regard: int = REGARD
) -> Solution:
    """Le masque d'un problème.

    Parameters
    ----------
    p : Probleme
    masque : array of bool, optional
        Cases à masquer de toute façon.
    effort : int
        Ce qu'on consacre à faire mieux que le premier masque, en cases examinées : un compte, pas une durée, pour
        que deux machines rendent le même masque.
    regard : int
        Au-delà de tant de cases cachées, on ne regarde qu'autour de celle dont il s'agit.
    """
    entier, impose = p, p.protegee & p.masquable
    if masque is not None:
        impose = impose | masque
    p, imposee, groupe = fondre(entier, impose)
    m = Masquage(p, imposee, regard)
    m.reconnaitre()
    m.couvrir(np.arange(len(m.t)), p.cout)
    secondaires = m.secondaires
    m.elaguer(secondaires[np.argsort(-p.cout[secondaires] * 1e9 - np.abs(p.valeur[secondaires]), kind="stable")])
    optimal = not len(m.secondaires)
    if not optimal and int((p.masquable & np.isfinite(p.cout)).sum()) <= _PETIT:
        optimal = chercher(m, tours=_TOURS_ENTIERS)
    if not optimal and effort:
        ameliorer(m, effort)
    representant = np.zeros(len(p.valeur), dtype=int)
    for rangs in (np.arange(len(groupe)), np.flatnonzero(entier.protegee)):
        representant[groupe[rangs]] = rangs
    insuffisantes = tuple((int(representant[case]), sens, atteint) for case, sens, atteint in m.insuffisantes)
    return Solution(impose | m.masque[groupe] & entier.masquable & entier.vue, optimal, insuffisantes)


def ameliorer(m: Masquage, effort: int) -> None:
    """Défait un coin du masque et le refait autrement ; garde ce qui ne coûte pas plus."""
    hasard = np.random.default_rng(0)
    p, depart = m.p, m.travail
    sans_gain = 0
    while m.travail - depart < effort and sans_gain < 4 * len(m.secondaires) + 20:
        secondaires = m.secondaires
        if not len(secondaires):
            return
        graine = int(hasard.choice(secondaires))
        coin = np.intersect1d(p.autour(graine, int(hasard.integers(1, 3))), secondaires)
        taille = int(hasard.integers(2, 9))
        coin = np.union1d([graine], hasard.permutation(coin)[:taille])
        masque, de, cout = m.masque.copy(), m.temoins.de.copy(), m.cout()
        orphelines = m.temoins.orphelines(coin)
        m.masque[coin] = False
        m.temoins.de[orphelines] = -1
        prix = p.cout * (1 + 0.6 * hasard.random(len(p.cout)))
        prix[coin] *= 1.5
        m.couvrir(orphelines, prix)
        # Ce qui n'était pas masqué d'abord : c'est ce que l'on vient d'ajouter.
        restent = hasard.permutation(m.secondaires)
        m.elaguer(restent[np.argsort(masque[restent], kind="stable")])
        if m.cout() > cout + 1e-9:
            m.masque, m.temoins.de = masque, de
            sans_gain += 1
        else:
            sans_gain = 0 if m.cout() < cout - 1e-9 else sans_gain + 1
        m.travail += 1


def partager(
    relations: csr_array,
    valeur: np.ndarray,
    cachees: np.ndarray,
    bas: np.ndarray,
    haut: np.ndarray,
    ligne_bas: np.ndarray,
    ligne_haut: np.ndarray,
) -> np.ndarray | None:
    """Des valeurs possibles pour les cases cachées, les autres fixées.

    Parameters
    ----------
    relations : sparse array
    valeur : array
        Celles des cases cachées ne sont pas lues.
    cachees : array of bool
    bas, haut : array
        Entre quoi chaque case cachée se prend.
    ligne_bas, ligne_haut : array
        Bornes de chaque relation.

    Returns
    -------
    array or None
        Deux jeux de mêmes valeurs visibles et de mêmes sommes rendent le même partage ; None s'il n'en est aucun.
    """
    cases = np.flatnonzero(cachees)
    rendu = valeur.astype(float).copy()
    if not len(cases):
        return rendu
    fixes = np.where(cachees, 0.0, valeur)
    lignes = np.flatnonzero(np.diff(relations[:, cases].indptr) > 0)
    a = relations[lignes][:, cases].tocsc()
    dit = relations[lignes] @ fixes
    n = len(cases)
    # Au plus près du milieu permis, ou de zéro : chaque écart a son prix, un peu différent, et le point est unique.
    milieu = np.where(np.isfinite(bas + haut), (bas + haut) / 2, np.where(np.isfinite(bas), bas, 0.0))[cases]
    prix = 1.0 + np.arange(n) / (10.0 * n)
    h = nouveau()
    poser(
        h,
        colonnes(csc_array(hstack([a, -a]))),
        np.zeros(2 * n),
        np.concatenate([haut[cases] - milieu, milieu - bas[cases]]),
        ligne_bas[lignes] - dit - a @ milieu,
        ligne_haut[lignes] - dit - a @ milieu,
        np.concatenate([prix, prix]),
    )
    h.run()
    if h.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        return None
    x = np.array(h.getSolution().col_value)
    rendu[cases] = np.round(milieu + x[:n] - x[n:], 9)
    return rendu
