"""Une épreuve de secret, dans une forme neutre : ``cellules.csv``, ``relations.json`` ; lue, résolue, certifiée.

Un dossier est une épreuve, ou contient une table par sous-dossier. Deux tables sont liées quand elles décrivent les
mêmes croisements de variables avec les mêmes valeurs : leurs cases communes n'en font qu'une, trouvées d'office.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from scipy.sparse import coo_array

from cafdiag.erreurs import DemandeFausse, EntreeFautive, en_clair, fichier_illisible
from cafdiag.magasin import ecrire_ensemble
from cafdiag.secret.masquage import Solution, resoudre
from cafdiag.secret.probleme import Probleme
from cafdiag.secret.solveur import cernees_des_inities, intervalles

_NOMBRES = ("valeur", "effectif", "maximum", "permis_bas", "permis_haut", "cout", "bas", "haut")
_DRAPEAUX = ("primaire", "singleton", "masquable")
_RESERVEES = {*_NOMBRES, *_DRAPEAUX, "id", "initie", "tables", "frequence", "dominance", "grandeur"}
_TOUT = ("total", "ensemble", "tous", "toutes")
PART_DOMINANTE = 0.85
_DITS = 12


@dataclass
class Epreuve:
    """Des cases et des relations, prêtes à résoudre.

    Attributes
    ----------
    ids : list of str
        Identifiant de chaque case, table comprise quand il y en a plusieurs.
    probleme : Probleme
    permis : array
        Intervalle que le lecteur ne doit pas pouvoir réduire ; manquant hors des primaires.
    liees : list of tuple of str
        Groupes de tables liées.
    ecarts : int
        Relations qui ne tombent pas juste, et déclarées telles.
    alias : dict
        Pour une case répétée d'une table liée : celle qui vaut pour elle.
    inities : list of str
        Qui est chaque initié du problème, dans le même ordre.
    seuls : int
        Primaires d'un seul répondant dont on ne se garde pas (``singletons``).
    """

    ids: list[str]
    probleme: Probleme
    permis: np.ndarray
    liees: list[tuple[str, ...]] = field(default_factory=list)
    ecarts: int = 0
    alias: dict[str, str] = field(default_factory=dict)
    inities: list[str] = field(default_factory=list)
    seuls: int = 0


@dataclass
class _Table:
    nom: str
    lignes: list[dict[str, str]]
    relations: list[dict]
    declarees: int


def lire(dossier: str | Path, *, singletons: bool = False, seuil: float | None = None) -> Epreuve:
    """Lit une épreuve, et la refuse avec tous ses défauts.

    Parameters
    ----------
    dossier : path
        ``cellules.csv`` : ``id``, ``valeur``, ``primaire`` (0 ou 1) ; au choix ``permis_bas``, ``permis_haut``,
        ``cout``, ``bas`` et ``haut`` (ce que le lecteur sait d'avance), ``masquable``, ``effectif``, ``maximum``,
        ``singleton`` (1 : qui y répond la connaît) et ``initie`` (noms, séparés par « | », de qui la connaît).
        ``relations.json`` : ``[{"total": id, "parties": [id…], "poids": [1…]}]``. Ou un sous-dossier par table.
    singletons : bool
        Une case d'effectif 1 est connue de qui y répond, et n'en doit pas trahir une autre.
    seuil : float, optional
        Sans colonne ``primaire`` : l'effectif sous lequel une case se tait (et 85 % de dominance si ``maximum``).

    Raises
    ------
    EntreeFautive
        Fichier abîmé, case inconnue ou double, valeur qui n'est pas un nombre, relation qui ne tombe pas juste.
    """
    racine = Path(dossier)
    if not racine.is_dir():
        raise DemandeFausse(
            f"dossier d'épreuve introuvable : {racine}", attendu="un dossier avec cellules.csv et relations.json"
        )
    sous = [racine] if (racine / "cellules.csv").exists() else sorted(d for d in racine.iterdir() if d.is_dir())
    defauts: list[str] = []
    dossiers = [d for d in sous if d == racine or (d / "cellules.csv").exists()]
    tables = [_lire_table(d, f"{d.name}/" if len(dossiers) > 1 else "", defauts) for d in dossiers]
    if not tables:
        raise EntreeFautive(
            racine.name, ["ni cellules.csv, ni sous-dossier qui en ait un"], attendu="cellules.csv et relations.json"
        )
    return _poser(racine.name, tables, defauts, singletons=singletons, seuil=seuil)


def _lire_table(dossier: Path, ou: str, defauts: list[str]) -> _Table:
    """Une table ; ce qui ne s'y lit pas s'ajoute aux défauts."""
    lignes = _lire_cellules(dossier / "cellules.csv", ou, defauts)
    relations = _json(dossier / "relations.json", ou, defauts)
    if relations is not None and not (isinstance(relations, list) and all(map(_est_relation, relations))):
        defauts.append(f"{ou}relations.json : ce n'est pas une liste de {{total, parties}}, poids au choix")
        relations = None
    info = _json(dossier / "info.json", ou, defauts) if (dossier / "info.json").exists() else {}
    declarees = info.get("relations_non_additives", 0) if isinstance(info, dict) else 0
    return _Table(dossier.name, lignes or [], relations or [], declarees if isinstance(declarees, int) else 0)


def _lire_cellules(chemin: Path, ou: str, defauts: list[str]) -> list[dict[str, str]] | None:
    ou = f"{ou}{chemin.name}"
    try:
        texte = chemin.read_text(encoding="utf-8-sig")
        lecteur = csv.DictReader(io.StringIO(texte), strict=True)
        lignes, entetes = list(lecteur), list(lecteur.fieldnames or ())
    except (OSError, UnicodeDecodeError) as cause:
        defauts.append(f"{ou} : {', '.join(fichier_illisible(chemin, cause).defauts)}")
        return None
    except csv.Error as cause:
        defauts.append(f"{ou} : {en_clair(cause)}")
        return None
    absentes = [c for c in ("id", "valeur") if c not in entetes]
    doubles = sorted({c for c in entetes if entetes.count(c) > 1})
    bancales = [k for k, r in enumerate(lignes, 2) if None in r or None in r.values()]
    if absentes:
        trouvees = ", ".join(entetes) or "aucune"
        defauts.append(f"{ou} : il manque {' et '.join(absentes)} (colonnes trouvées : {trouvees})")
    defauts += [f"{ou} : deux colonnes « {c} »" for c in doubles]
    defauts += [f"{ou}, ligne {k} : pas autant de cellules que d'en-têtes" for k in bancales]
    if not lignes:
        defauts.append(f"{ou} : aucune case")
    return None if absentes or doubles or bancales else lignes


def _est_relation(r: object) -> bool:
    if not isinstance(r, dict) or not isinstance(r.get("total"), str) or not isinstance(r.get("parties"), list):
        return False
    poids = r.get("poids", [1] * len(r["parties"]))
    return (
        len(r["parties"]) > 0
        and all(isinstance(c, str) for c in r["parties"])
        and isinstance(poids, list)
        and len(poids) == len(r["parties"])
        and all(isinstance(w, int | float) and not isinstance(w, bool) and math.isfinite(w) and w for w in poids)
    )


def _json(chemin: Path, ou: str, defauts: list[str]):
    try:
        return json.loads(chemin.read_text(encoding="utf-8-sig"))
    except RecursionError:
        defauts.append(f"{ou}{chemin.name} : trop de crochets emboîtés")
    except (OSError, ValueError) as cause:
        defauts.append(f"{ou}{chemin.name} : {', '.join(fichier_illisible(chemin, cause).defauts)}")
    return None


def _nombre(texte: str) -> float:
    nombre = float(texte)
    # « 1_7 » est un nombre pour Python, pas pour qui l'a écrit.
    if not math.isfinite(nombre) or "_" in texte or not texte.isascii():
        raise ValueError(texte)
    return nombre


def _total(modalite: str) -> bool:
    return modalite.strip().lower().startswith(_TOUT)


def _croisement(ligne: dict[str, str]) -> frozenset[tuple[str, str]] | None:
    """Ce que décrit une case : ses variables qui ne sont pas un total ; None sans variable."""
    variables = [c for c in ligne if c not in _RESERVEES]
    return frozenset((c, ligne[c]) for c in variables if not _total(ligne[c])) if variables else None


def _lier(tables: Sequence[_Table]) -> tuple[dict[tuple[str, str], tuple[str, str]], list[tuple[str, ...]]]:
    """Cases répétées d'une table à l'autre, et groupes de tables liées."""
    memes: dict[tuple[str, str], tuple[str, str]] = {}
    groupe = {t.nom: {t.nom} for t in tables}
    par_table = [
        {k: r for r in t.lignes if (k := _croisement(r)) is not None} for t in tables
    ]
    for j, (t, cases) in enumerate(zip(tables, par_table, strict=True)):
        for i in range(j):
            communes = cases.keys() & par_table[i].keys()
            # Les mêmes croisements, d'autres valeurs : une autre grandeur, rien à lier.
            if not communes or any(
                not math.isclose(float(cases[k]["valeur"]), float(par_table[i][k]["valeur"]), rel_tol=1e-9)
                for k in communes
            ):
                continue
            for k in communes:
                premier = (tables[i].nom, par_table[i][k]["id"])
                memes.setdefault((t.nom, cases[k]["id"]), memes.get(premier, premier))
            ensemble = groupe[t.nom] | groupe[tables[i].nom]
            for nom in ensemble:
                groupe[nom] = ensemble
    groupes = {tuple(sorted(g)) for g in groupe.values() if len(g) > 1}
    return memes, sorted(groupes)


def _poser(
    nom: str, tables: Sequence[_Table], defauts: list[str], *, singletons: bool, seuil: float | None
) -> Epreuve:
    plusieurs = len(tables) > 1
    for t in tables:
        vus: set[str] = set()
        ou = f"{t.nom}, " if plusieurs else ""
        for k, ligne in enumerate(t.lignes, 2):
            if not ligne["id"] or ligne["id"] in vus:
                defauts.append(f"{ou}ligne {k} : identifiant {'double' if ligne['id'] else 'vide'} « {ligne['id']} »")
            vus.add(ligne["id"])
            defauts += [f"{ou}ligne {k}, {d}" for d in _defauts_de_la_case(ligne)]
        for r in t.relations:
            # Sans cases lues, aucune n'est connue, et le défaut est ailleurs.
            inconnues = [c for c in (r["total"], *r["parties"]) if c not in vus] if vus else []
            defauts += [f"{ou}relation de « {r['total']} » : case inconnue « {c} »" for c in inconnues]
            if len({r["total"], *r["parties"]}) != 1 + len(r["parties"]):
                defauts.append(f"{ou}relation de « {r['total']} » : une case y figure deux fois")
        if "primaire" not in (t.lignes[0] if t.lignes else {"primaire": ""}) and seuil is None:
            defauts.append(f"{ou}sans colonne « primaire », il faut un seuil (--seuil) et une colonne « effectif »")
    if defauts:
        suite = [f"… et {len(defauts) - _DITS} autres"] if len(defauts) > _DITS else []
        raise EntreeFautive(
            nom,
            defauts[:_DITS] + suite,
            attendu="cellules.csv (id, valeur, primaire…) et relations.json ({total, parties}), en UTF-8",
            conseil="corrigez l'épreuve ; rien n'a été écrit",
        )
    memes, liees = _lier(tables) if plusieurs else ({}, [])
    rang: dict[tuple[str, str], int] = {}
    ids: list[str] = []
    cases: list[dict[str, str]] = []
    alias = {}
    for t in tables:
        for ligne in t.lignes:
            ici = (t.nom, ligne["id"])
            if ici in memes:
                rang[ici] = rang[memes[ici]]
                alias[f"{t.nom}/{ligne['id']}"] = ids[rang[ici]]
                # Primaire dans une table, elle l'est partout.
                cases[rang[ici]] = {**cases[rang[ici]], **_fondre(cases[rang[ici]], ligne)}
                continue
            rang[ici] = len(ids)
            ids.append(f"{t.nom}/{ligne['id']}" if plusieurs else ligne["id"])
            cases.append(ligne)
    relations = [
        (rang[(t.nom, r["total"])], [rang[(t.nom, c)] for c in r["parties"]], r.get("poids"))
        for t in tables
        for r in t.relations
    ]
    return _en_probleme(
        nom,
        ids,
        cases,
        relations,
        singletons=singletons,
        seuil=seuil,
        liees=liees,
        alias=alias,
        declarees=sum(t.declarees for t in tables),
    )


def _fondre(avant: dict[str, str], apres: dict[str, str]) -> dict[str, str]:
    return apres if apres.get("primaire") == "1" and avant.get("primaire") != "1" else {}


def _defauts_de_la_case(ligne: dict[str, str]) -> list[str]:
    defauts = []
    for colonne in _NOMBRES:
        texte = ligne.get(colonne) or ""
        if not texte and colonne != "valeur":
            continue
        try:
            _nombre(texte)
        except ValueError:
            defauts.append(f"{colonne} : « {texte} » n'est pas un nombre" if texte else f"{colonne} : vide")
    for colonne in _DRAPEAUX:
        if (ligne.get(colonne) or "0") not in ("0", "1"):
            defauts.append(f"{colonne} : « {ligne[colonne]} » au lieu de 0 ou 1")
    if defauts:
        return defauts
    valeur = _nombre(ligne["valeur"])
    bornes = {c: _nombre(ligne[c]) for c in ("permis_bas", "permis_haut", "bas", "haut") if ligne.get(c)}
    for bas, haut in (("permis_bas", "permis_haut"), ("bas", "haut")):
        if bornes.get(bas, -math.inf) > valeur or bornes.get(haut, math.inf) < valeur:
            defauts.append(f"la valeur {ligne['valeur']} est hors de [{bas}, {haut}]")
    if ligne.get("cout") and _nombre(ligne["cout"]) < 0:
        defauts.append(f"cout : « {ligne['cout']} » est négatif")
    if ligne.get("primaire") == "1" and not {"permis_bas", "permis_haut"} & bornes.keys():
        defauts.append("primaire sans permis_bas ni permis_haut")
    return defauts


def _en_probleme(
    nom: str,
    ids: list[str],
    cases: list[dict[str, str]],
    relations: list[tuple[int, list[int], list[float] | None]],
    *,
    singletons: bool,
    seuil: float | None,
    liees: list[tuple[str, ...]],
    alias: dict[str, str],
    declarees: int,
) -> Epreuve:
    def colonne(c: str, defaut: float) -> np.ndarray:
        return np.array([_nombre(r[c]) if r.get(c) else defaut for r in cases])

    n = len(cases)
    valeur = colonne("valeur", np.nan)
    if seuil is not None and "primaire" not in cases[0]:
        effectif = colonne("effectif", np.nan)
        primaire = (effectif > 0) & (effectif < seuil)
        primaire |= (valeur > 0) & (colonne("maximum", 0.0) > PART_DOMINANTE * valeur)
        permis_bas = np.where(primaire, np.minimum(PART_DOMINANTE * valeur, valeur / PART_DOMINANTE), np.nan)
        permis_haut = np.where(primaire, np.maximum(PART_DOMINANTE * valeur, valeur / PART_DOMINANTE), np.nan)
        if np.array_equal(effectif, valeur):
            permis_bas, permis_haut = np.where(primaire, 1.0, np.nan), np.where(primaire, seuil - 1, np.nan)
    else:
        primaire = np.array([r.get("primaire") == "1" for r in cases])
        permis_bas = np.where(primaire, colonne("permis_bas", np.nan), np.nan)
        permis_haut = np.where(primaire, colonne("permis_haut", np.nan), np.nan)
    bas, haut = colonne("bas", np.nan), colonne("haut", np.inf)
    # Ce que tout lecteur sait : une quantité est positive, là où rien n'est négatif.
    bas = np.where(np.isnan(bas), np.where(valeur >= 0, 0.0, -np.inf), bas)
    lignes, colonnes, poids = [], [], []
    for k, (total, parties, siens) in enumerate(relations):
        lignes += [k] * (1 + len(parties))
        colonnes += [total, *parties]
        poids += [-1.0, *(siens or [1.0] * len(parties))]
    matrice = coo_array((poids, (lignes, colonnes)), shape=(len(relations), n)).tocsr()
    residus = matrice @ valeur
    # Des décimales publiées s'arrondissent une à une ; des entiers, non.
    demi = np.array([0.5 * 10.0 ** -len(r["valeur"].partition(".")[2]) if "." in r["valeur"] else 0.0 for r in cases])
    tolerance = 1e-6 + 1e-12 * (abs(matrice) @ np.abs(valeur)) + abs(matrice) @ np.where(demi < 0.25, demi, 0.0)
    faux = np.flatnonzero(np.abs(residus) > tolerance)
    if len(faux) > declarees:
        dits = [
            f"relation de « {ids[relations[k][0]]} » : le total vaut {valeur[relations[k][0]]:g}, "
            f"ses parties {valeur[relations[k][0]] + residus[k]:g}"
            for k in faux[:_DITS]
        ]
        raise EntreeFautive(
            nom,
            dits,
            attendu=f"{len(faux)} relation(s) ne tombent pas juste, {declarees} déclarée(s)",
            conseil='corrigez-les ; voulues, déclarez-les dans info.json : "relations_non_additives"',
        )
    connues: dict[str, list[int]] = {}
    seuls = 0
    for i, r in enumerate(cases):
        unique = bool(primaire[i] and r.get("effectif") and _nombre(r["effectif"]) == 1)
        if (primaire[i] and r.get("singleton") == "1") or (unique and singletons):
            connues[f"qui est seul dans {ids[i]}"] = [i]
        else:
            seuls += unique
        for qui in filter(None, (q.strip() for q in (r.get("initie") or "").split("|"))):
            connues.setdefault(qui, []).append(i)
    rien = np.zeros(len(relations))
    probleme = Probleme(
        valeur=valeur,
        protegee=primaire,
        masquable=colonne("masquable", 1.0) > 0,
        besoin_haut=np.where(primaire, np.nan_to_num(np.maximum(permis_haut - valeur, 0)), 0.0),
        besoin_bas=np.where(primaire, np.nan_to_num(np.maximum(valeur - permis_bas, 0)), 0.0),
        vue=np.ones(n, dtype=bool),
        marge=haut - valeur,
        recul=valeur - bas,
        recul_averti=valeur - bas,
        cout=colonne("cout", 1.0),
        relations=matrice,
        jeu_bas=rien,
        jeu_haut=rien,
        inities=tuple(np.array(v) for v in connues.values()),
    )
    permis = np.column_stack([permis_bas, permis_haut])
    return Epreuve(ids, probleme, permis, liees, len(faux), alias, list(connues), seuls)


@dataclass
class Rendu:
    """Une épreuve résolue : le masque, l'intervalle de chaque case, et ce qui fuit encore."""

    epreuve: Epreuve
    solution: Solution
    bas: np.ndarray
    haut: np.ndarray
    cernees: list[np.ndarray]

    @property
    def secondaires(self) -> np.ndarray:
        """Cases masquées pour en protéger d'autres."""
        return np.flatnonzero(self.solution.masque & ~self.epreuve.probleme.protegee)

    @property
    def trouees(self) -> np.ndarray:
        """Primaires dont l'intervalle est plus étroit que permis."""
        permis, valeur = self.epreuve.permis, self.epreuve.probleme.valeur
        jeu = 1e-6 * np.maximum(1.0, np.abs(valeur))
        with np.errstate(invalid="ignore"):
            trop = (self.bas > permis[:, 0] + jeu) | (self.haut < permis[:, 1] - jeu)
        return np.flatnonzero(trop)

    @property
    def par_initie(self) -> dict[str, list[str]]:
        """Primaires que chaque initié cerne plus finement que permis ; rien s'il n'en cerne aucune."""
        e = self.epreuve
        return {qui: [e.ids[i] for i in c] for qui, c in zip(e.inities, self.cernees, strict=True) if len(c)}


def eprouver(epreuve: Epreuve) -> Rendu:
    """Résout une épreuve, puis encadre chaque case par un second calcul."""
    solution = resoudre(epreuve.probleme)
    p, masque = epreuve.probleme, solution.masque
    return Rendu(epreuve, solution, *intervalles(p, masque), cernees_des_inities(p, masque))


def ecrire(rendu: Rendu, sortie: str | Path) -> list[Path]:
    """Écrit ``secondaires.csv``, ``intervalles.csv`` et ``certificat.json``.

    Returns
    -------
    list of Path
    """
    sortie, e, p = Path(sortie), rendu.epreuve, rendu.epreuve.probleme
    lignes = {c: i for i, c in enumerate(e.ids)}
    tous = [*e.ids, *e.alias]
    rang = [lignes[e.alias.get(c, c)] for c in tous]
    secondaires = set(rendu.secondaires.tolist())

    def borne(x: float) -> str:
        return repr(round(float(x), 9) + 0.0) if math.isfinite(x) else ""

    certificat = {
        "format": "cafdiag-certificat-1",
        "cases": len(e.ids),
        "relations": int(p.relations.shape[0]),
        "relations_non_additives_declarees": e.ecarts,
        "tables_liees": [list(g) for g in e.liees],
        "primaires": int(p.protegee.sum()),
        "secondaires": len(secondaires),
        "cout": float(p.cout[rendu.secondaires].sum()),
        "optimum_prouve": rendu.solution.optimal,
        "inities": len(p.inities),
        "seuls_non_gardes": e.seuls,
        "attaque": "programme linéaire, deux par case masquée, sur toutes les relations à la fois",
        "retrouvees": [e.ids[i] for i in rendu.trouees],
        "retrouvees_par_initie": rendu.par_initie,
        "resultat": _resultat(rendu),
    }
    textes = {
        "secondaires.csv": _csv(["id"], [[c] for c, i in zip(tous, rang, strict=True) if i in secondaires]),
        "intervalles.csv": _csv(
            ["id", "bas", "haut"],
            [[c, borne(rendu.bas[i]), borne(rendu.haut[i])] for c, i in zip(tous, rang, strict=True)],
        ),
        "certificat.json": json.dumps(certificat, ensure_ascii=False, indent=1) + "\n",
    }
    return ecrire_ensemble({sortie / nom: texte for nom, texte in textes.items()})


def _resultat(rendu: Rendu) -> str:
    dits = []
    if len(rendu.trouees):
        dits.append(f"{len(rendu.trouees)} case(s) qu'aucun masque ne protège assez")
    if rendu.par_initie:
        percees = {c for cases in rendu.par_initie.values() for c in cases}
        dits.append(f"{len(percees)} case(s) qu'aucun masque ne protège assez d'un initié")
    return " ; ".join(dits) or "aucune case primaire n'est cernée plus finement que permis"


def _csv(entetes: list[str], lignes: list[list[str]]) -> str:
    tampon = io.StringIO()
    ecrivain = csv.writer(tampon, lineterminator="\n")
    ecrivain.writerow(entetes)
    ecrivain.writerows(lignes)
    return tampon.getvalue()
