"""Les épreuves publiques du secret : la commande sur chacune, sa durée, et chaque case vérifiée par un autre calcul.

    python benchmarks/epreuves_secret.py DOSSIER [--sortie docs/epreuves-secret.md] [--seulement NOM…]

``DOSSIER`` : un sous-dossier par épreuve (``cellules.csv``, ``relations.json``, ``info.json``). Rien ne vient du
réseau. La vérification n'emploie rien du code qui masque : elle repose, sur les valeurs mêmes et non sur leurs
écarts, le programme linéaire d'un lecteur (``scipy.optimize.linprog``). Code de retour 1 si une case est retrouvée.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import coo_array

ENTETE = """# Les épreuves publiques du secret statistique

Le cœur de suppression de cafdiag (`cafdiag secret epreuve`), sur des tableaux que d'autres outils ont publiés
(rtauargus de l'Insee, SSBtools et GaussSuppression de Statistics Norway, sdcTable), et sur des naissances de l'Insee
traitées comme si elles étaient confidentielles. Les données ne sont pas dans ce dépôt ; le tableau se refait d'une
commande, hors ligne :

```
python benchmarks/epreuves_secret.py DOSSIER_DES_EPREUVES --sortie docs/epreuves-secret.md
```

« Vérifié » : les cases primaires qu'un second programme linéaire, écrit à part et posé sur les valeurs, laisse
possibles sur tout l'intervalle permis, dans les deux sens. « Durée » : temps de calcul de la commande entière,
démarrage, lecture, preuve et écriture compris. Un tiret : rien n'est publié. Entre parenthèses, par table, les cases
communes comptées dans chacune. Sans `--singletons`, que demande le résultat publié de `sdctable_singletons`.

| épreuve | cases | primaires | secondaires publiées | les nôtres | optimum prouvé | durée (s) | vérifié |
|---|---:|---:|---:|---:|:---:|---:|---|
"""


def lire(dossier: Path) -> tuple[list[dict[str, str]], list[dict]]:
    """Les cases et les relations d'une épreuve."""
    with (dossier / "cellules.csv").open(encoding="utf-8-sig", newline="") as flux:
        cases = list(csv.DictReader(flux))
    return cases, json.loads((dossier / "relations.json").read_text(encoding="utf-8-sig"))


def verifier(cases: list[dict[str, str]], relations: list[dict], secondaires: set[str]) -> list[str]:
    """Cases primaires qu'un lecteur cerne plus finement que permis.

    Un point que le lecteur ne peut pas exclure vaut preuve pour toutes les cases qu'il porte assez loin.
    """
    rang = {c["id"]: i for i, c in enumerate(cases)}
    valeur = np.array([float(c["valeur"]) for c in cases])
    primaire = np.array([c["primaire"] == "1" for c in cases])
    cachee = primaire | np.array([c["id"] in secondaires for c in cases])
    triplets = [
        (k, rang[c], w)
        for k, r in enumerate(relations)
        for c, w in [(r["total"], -1.0), *zip(r["parties"], r.get("poids", [1.0] * len(r["parties"])), strict=True)]
    ]
    lignes, colonnes, poids = zip(*triplets, strict=True)
    a = coo_array((poids, (lignes, colonnes)), shape=(len(relations), len(cases))).tocsc()[:, cachee].tocsr()
    a = a[np.diff(a.indptr) > 0]
    places = np.flatnonzero(cachee)
    positives = np.abs(valeur[cachee])
    echelle = float(np.median(positives[positives > 0])) if positives.any() else 1.0
    droite = a @ valeur[cachee] / echelle

    def borne(c: str, defaut: float) -> np.ndarray:
        return np.array([float(cases[i][c]) if cases[i].get(c) else defaut for i in places]) / echelle

    bas = np.where(np.isnan(b := borne("bas", np.nan)), np.where(valeur[places] >= 0, 0.0, -np.inf), b)
    bornes = np.column_stack([bas, borne("haut", np.inf)])
    permis = np.column_stack([borne("permis_bas", np.nan), borne("permis_haut", np.nan)])
    jeu = 1e-6 * np.maximum(1.0 / echelle, np.abs(valeur[places]) / echelle)
    reste = np.isfinite(permis) & primaire[places][:, None]
    trouees = []
    while reste.any():
        ici, cote = (int(x) for x in np.argwhere(reste)[0])
        objectif = np.zeros(len(places))
        objectif[ici] = 1.0 if cote == 0 else -1.0
        # Pas plus loin que demandé : la case suffit, et le point reste borné.
        siennes = bornes.copy()
        siennes[ici, cote] = max(siennes[ici, 0], permis[ici, 0]) if cote == 0 else min(siennes[ici, 1], permis[ici, 1])
        r = linprog(objectif, A_eq=a, b_eq=droite, bounds=siennes, method="highs-ds")
        if r.status != 0:
            raise RuntimeError(f"{cases[places[ici]]['id']} : {r.message}")
        prouve = np.column_stack([r.x <= permis[:, 0] + jeu, r.x >= permis[:, 1] - jeu])
        if not prouve[ici, cote]:
            trouees.append(cases[places[ici]]["id"])
        reste &= ~prouve
        reste[ici, cote] = False
    return sorted(set(trouees))


def publiees(info: dict) -> str:
    """Ce qui est publié, tel quel."""
    connu = info.get("connu") or {}
    for cle in ("secondaires", "secondaires_par_table", "optimum"):
        if cle in connu:
            dit = connu[cle]
            return "/".join(str(n) for n in dit.values()) if isinstance(dit, dict) else str(dit)
    return "–"


def eprouver(dossier: Path) -> tuple[str, bool]:
    """La ligne d'une épreuve, et vrai si rien n'y est retrouvé."""
    cases, relations = lire(dossier)
    info = json.loads((dossier / "info.json").read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as sortie:
        avant = resource.getrusage(resource.RUSAGE_CHILDREN)
        commande = [sys.executable, "-P", "-m", "cafdiag", "secret", "epreuve", str(dossier), "--sortie", sortie]
        ici = os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parent.parent)}
        fait = subprocess.run(commande, capture_output=True, text=True, env=ici)
        if fait.returncode not in (0, 1) or not (Path(sortie) / "secondaires.csv").exists():
            return f"| {dossier.name} | {len(cases)} | | | refusée : {fait.stderr.strip()} | | | |", False
        apres = resource.getrusage(resource.RUSAGE_CHILDREN)
        duree = apres.ru_utime + apres.ru_stime - avant.ru_utime - avant.ru_stime
        with (Path(sortie) / "secondaires.csv").open(encoding="utf-8", newline="") as flux:
            secondaires = {r["id"] for r in csv.DictReader(flux)}
        certificat = json.loads((Path(sortie) / "certificat.json").read_text(encoding="utf-8"))
    trouees = verifier(cases, relations, secondaires)
    par_table: dict[str, int] = {}
    for c in cases:
        for t in (c.get("tables") or "").replace(",", "|").replace(";", "|").split("|"):
            if t and c["id"] in secondaires:
                par_table[t] = par_table.get(t, 0) + 1
    ordre = (info.get("connu") or {}).get("secondaires_par_table", {})
    detail = f" ({'/'.join(str(par_table.get(t, 0)) for t in ordre)})" if ordre and par_table else ""
    primaires = sum(c["primaire"] == "1" for c in cases)
    verifie = f"{primaires} sur {primaires}" if not trouees else f"retrouvées : {', '.join(trouees[:5])}"
    cellules = (
        dossier.name,
        len(cases),
        primaires,
        publiees(info),
        f"{len(secondaires)}{detail}",
        "oui" if certificat["optimum_prouve"] else "",
        f"{duree:.1f}".replace(".", ","),
        verifie,
    )
    return f"| {' | '.join(str(c) for c in cellules)} |", not trouees


def principal() -> int:
    """Éprouve, imprime, écrit, juge."""
    analyse = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    analyse.add_argument("dossier", type=Path)
    analyse.add_argument("--sortie", type=Path)
    analyse.add_argument("--seulement", nargs="*", default=[])
    options = analyse.parse_args()
    lignes, sain = [], True
    for dossier in sorted(d for d in options.dossier.iterdir() if (d / "cellules.csv").exists()):
        if options.seulement and dossier.name not in options.seulement:
            continue
        debut = time.perf_counter()
        ligne, juste = eprouver(dossier)
        print(ligne, f"({time.perf_counter() - debut:.0f} s en tout)", flush=True)
        lignes.append(ligne)
        sain &= juste
    if options.sortie:
        options.sortie.parent.mkdir(parents=True, exist_ok=True)
        options.sortie.write_text(ENTETE + "\n".join(lignes) + "\n", encoding="utf-8")
    return int(not sain)


if __name__ == "__main__":
    sys.exit(principal())
