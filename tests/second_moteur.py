"""Un second moteur : il juge une case protégée ou retrouvable par le programme dual, sans rien du cœur.

    python tests/second_moteur.py [NOMBRE] [PREMIER]

Le cœur pousse une case aussi loin que ses relations le permettent, en écarts à la vraie valeur. Ici, on cherche la
meilleure preuve d'un lecteur : la combinaison de relations publiées qui borne la case au plus près. Les deux se
rejoignent (dualité), ou l'un des deux a tort. Les jeux sont tirés à graine fixe : tableaux croisés, lieux emboîtés,
deux années, périmètre libre, seuils de 3 à 20.
"""

from __future__ import annotations

import sys

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import coo_array, csr_array

from cafdiag.secret.masquage import resoudre
from cafdiag.secret.probleme import Probleme
from cafdiag.secret.solveur import intervalles


def jeu(graine: int) -> Probleme:
    """Un problème tiré au hasard : lieux × tranches × années, leurs totaux, des EPCI, et un périmètre libre."""
    hasard = np.random.default_rng(graine)
    lieux, tranches, annees = int(hasard.integers(3, 7)), int(hasard.integers(1, 4)), int(hasard.integers(1, 3))
    seuil = int(hasard.integers(3, 21))
    n = hasard.poisson(seuil * hasard.choice([0.3, 1, 3], (lieux, tranches, annees)))
    n *= hasard.random(n.shape) > 0.1
    groupes = [list(range(lieux))]
    if lieux > 4:
        groupes += [[0, 1], list(range(2, lieux))]
    libre = sorted(hasard.choice(lieux, lieux - 1, replace=False).tolist())
    if hasard.random() < 0.5 and libre not in groupes:
        groupes.append(libre)
    # Un lieu est une ligne : une commune, puis ces sommes ; une colonne de plus, le total des tranches, s'il y en a.
    valeurs = np.concatenate([n, np.stack([n[g].sum(0) for g in groupes])])
    composee = tranches > 1
    if composee:
        valeurs = np.concatenate([valeurs, valeurs.sum(1, keepdims=True)], axis=1)
    rang = np.arange(valeurs.size).reshape(valeurs.shape)
    relations = [
        (rang[lieux + k, j, a], rang[g, j, a]) for k, g in enumerate(groupes) for j in range(valeurs.shape[1])
        for a in range(annees)
    ]  # fmt: skip
    if composee:
        relations += [(rang[i, -1, a], rang[i, :-1, a]) for i in range(len(valeurs)) for a in range(annees)]
    valeur = valeurs.ravel().astype(float)
    lignes = [k for k, (_, p) in enumerate(relations) for _ in range(1 + len(p))]
    colonnes = [c for t, p in relations for c in (t, *p)]
    poids = [w for _, p in relations for w in (-1.0, *np.ones(len(p)))]
    matrice = csr_array(coo_array((poids, (lignes, colonnes)), shape=(len(relations), len(valeur))))
    primaire = (valeur > 0) & (valeur < seuil)
    rien = np.zeros(len(relations))
    return Probleme(
        valeur=valeur,
        protegee=primaire,
        masquable=np.ones(len(valeur), dtype=bool),
        besoin_haut=np.where(primaire, seuil - 1 - valeur, 0.0),
        besoin_bas=np.where(primaire, valeur - 1, 0.0),
        vue=np.ones(len(valeur), dtype=bool),
        marge=np.full(len(valeur), np.inf),
        recul=valeur,
        recul_averti=valeur,
        cout=np.ones(len(valeur)),
        relations=matrice,
        jeu_bas=rien,
        jeu_haut=rien,
    )


def retrouvables(p: Probleme, masque: np.ndarray) -> np.ndarray:
    """Cases primaires qu'une combinaison de relations borne plus étroitement que permis."""
    cachees = np.flatnonzero(masque)
    a = p.relations[:, cachees].toarray()
    a, droite = a[(a != 0).any(1)], (p.relations[:, cachees] @ p.valeur[cachees])[(a != 0).any(1)]
    trouvees = np.zeros(len(p.valeur), dtype=bool)
    for ici, case in enumerate(cachees):
        for sens, besoin in ((1.0, p.besoin_haut[case]), (-1.0, p.besoin_bas[case])):
            if besoin <= 0:
                continue
            # Une preuve : Σ y × relation = de quoi dominer la case, puisque rien n'est négatif.
            seconde = np.zeros(len(cachees))
            seconde[ici] = -sens
            r = linprog(droite, A_ub=-a.T, b_ub=seconde, bounds=(None, None), method="highs-ipm")
            # Sans preuve possible, la case n'a pas de borne.
            if r.status == 0 and r.fun < sens * p.valeur[case] + besoin - 1e-6:
                trouvees[case] = True
            elif r.status not in (0, 2):
                raise RuntimeError(r.message)
    return trouvees


def comparer(graine: int) -> tuple[int, int, int]:
    """Décisions comparées, différences, et cases retrouvées malgré le masque alors qu'un masque les protégerait."""
    p, hasard = jeu(graine), np.random.default_rng(graine + 10**6)
    solution = resoudre(p)
    masques = [solution.masque, p.protegee, solution.masque & (p.protegee | (hasard.random(len(p.valeur)) < 0.6))]
    decisions = differences = 0
    for masque in masques:
        bas, haut = intervalles(p, masque)
        atteint = haut - p.valeur < p.besoin_haut - 1e-6, p.valeur - bas < p.besoin_bas - 1e-6
        selon_le_coeur = p.protegee & (atteint[0] | atteint[1])
        second = retrouvables(p, masque)
        decisions += int(p.protegee.sum())
        differences += int((selon_le_coeur != second).sum())
        if masque is solution.masque:
            sans_issue = retrouvables(p, np.ones(len(p.valeur), dtype=bool)) if second.any() else second
            retrouvees = int((second & ~sans_issue).sum())
    return decisions, differences, retrouvees


def principal(nombre: int, premier: int = 0) -> int:
    """La série entière ; code de retour 1 à la première faute."""
    totaux = np.zeros(3, dtype=int)
    for graine in range(premier, premier + nombre):
        rendu = comparer(graine)
        totaux += rendu
        if rendu[1] or rendu[2]:
            print(f"jeu {graine} : {rendu}")
    print(f"{nombre} jeux, {totaux[0]} décisions, {totaux[1]} différences, {totaux[2]} cases retrouvées")
    return int(totaux[1] > 0 or totaux[2] > 0)


if __name__ == "__main__":
    sys.exit(principal(*(int(x) for x in sys.argv[1:] or ["500"])))
