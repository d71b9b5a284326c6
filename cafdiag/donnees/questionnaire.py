"""Le questionnaire aux familles : ses questions, la lecture des réponses, des mots libres sans personne dedans.

Une réponse parle d'un seul enfant : celui dont l'anniversaire vient le prochain. Rien n'y désigne quelqu'un.
"""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from cafdiag.donnees.releves import Colonne, commune_dite, lire_releve
from cafdiag.erreurs import EntreeFautive
from cafdiag.magasin import lire_table
from cafdiag.territoires import Territoire
from cafdiag.territoires.normalisation import normaliser

MODELE = "cafdiag questionnaire preparer CODE"
AGES = ("0 à 4 ans", "5 à 9 ans", "10 à 14 ans", "15 à 17 ans")
SEPARATEUR = "|"


@dataclass(frozen=True)
class Question:
    """Une question fermée. `plusieurs` : plusieurs réponses possibles, séparées par « | »."""

    cle: str
    texte: str
    reponses: tuple[str, ...]
    plusieurs: bool = False


QUESTIONS = (
    Question(
        "accueil",
        "Qui garde ou accueille cet enfant, le plus souvent ?",
        (
            "Un parent", "La famille, des proches", "Un assistant maternel", "Une crèche, une micro-crèche",
            "L'école et le périscolaire", "Un accueil de loisirs", "Il se garde seul", "Autre",
        ),
    ),
    Question("souhait", "Est-ce l'accueil que vous souhaitiez ?", ("Oui", "En partie", "Non")),
    Question(
        "manque",
        "Qu'est-ce qui vous manque le plus, près de chez vous ?",
        (
            "Des places d'accueil", "Des horaires plus larges", "Des tarifs plus bas", "Le mercredi et les vacances",
            "Des activités pour les jeunes", "Un soutien entre parents", "Une aide dans les démarches",
            "Un accueil adapté au handicap", "Un moyen de s'y rendre", "Rien",
        ),
        plusieurs=True,
    ),
    Question(
        "satisfaction",
        "Êtes-vous satisfait des services aux familles près de chez vous ?",
        ("Tout à fait", "Plutôt", "Plutôt pas", "Pas du tout"),
    ),
)  # fmt: skip
CONSIGNE = (
    "Répondez pour un seul de vos enfants de moins de 18 ans : celui dont l'anniversaire vient le prochain. N'écrivez "
    "aucun nom, aucune adresse, aucun numéro."
)
LIBRE = "Un mot de plus ?"
COLONNES = {
    "numero": Colonne("Numéro", ("n°",)),
    "commune": Colonne("Commune", ("code commune",), obligatoire=True),
    "age": Colonne("Âge de l'enfant", ("âge", "age enfant"), obligatoire=True),
    **{q.cle: Colonne(q.texte, (q.cle,), obligatoire=True) for q in QUESTIONS},
    "libre": Colonne(LIBRE, ("remarque", "commentaire", "verbatim")),
}


@dataclass(frozen=True)
class Reponses:
    """Les réponses lues.

    Attributes
    ----------
    table : DataFrame
        Une ligne par réponse : ``commune`` (code), ``age`` (tranche) et une colonne par question ; vide : sans réponse.
    mots : tuple of str
        Les mots libres, sans courriel, numéro, nom ni adresse, dans l'ordre des fichiers.
    remarques : tuple of str
        Ce qui a été mis de côté ou ôté, compté.
    """

    table: pd.DataFrame
    mots: tuple[str, ...]
    remarques: tuple[str, ...]


def lire_reponses(chemins: Sequence[str | Path], lieu: Territoire) -> Reponses:
    """Lit un ou plusieurs fichiers de réponses.

    Raises
    ------
    EntreeFautive
        Fichier illisible, colonne absente, réponse hors de celles proposées : tous les défauts d'un coup.
    """
    communes = lire_table("communes", colonnes=["code", "nom"])
    siennes = communes[communes["code"].isin(lieu.communes)]
    noms = siennes.set_index("code")["nom"].to_dict()
    lus, mots, remarques, defauts = [], [], [], []
    vus: set[tuple[str, ...]] = set()
    fichiers: dict[tuple, str] = {}
    compte: Counter[str] = Counter()
    fautifs = []
    for chemin in chemins:
        try:
            releve = lire_releve(chemin, COLONNES, modele=MODELE, libres=("libre",))
        except EntreeFautive as faute:
            if len(chemins) == 1:
                raise
            fautifs.append(Path(chemin).name)
            defauts.append(faute.trouve)
            continue
        remarques += [f"{releve.fichier} : {r}" for r in releve.remarques]
        contenu = tuple(tuple(ligne.textes.items()) for ligne in releve.lignes)
        # Sans numéro, rien d'autre ne dit qu'une réponse est comptée deux fois.
        if contenu in fichiers and not all(ligne.textes.get("numero") for ligne in releve.lignes):
            fautifs.append(releve.fichier)
            defauts.append(f"{releve.fichier} : les mêmes réponses que {fichiers[contenu]}, à ne donner qu'une fois")
            continue
        fichiers[contenu] = releve.fichier
        for ligne in releve.lignes:
            textes = ligne.textes
            if not any(v for c, v in textes.items() if c != "numero"):
                compte["ligne{s} sans aucune réponse, mise{s} de côté"] += 1
                continue
            # Deux personnes qui saisissent des réponses sur papier numérotent toutes deux depuis 1.
            reponse = tuple(textes.values())
            if textes.get("numero") and reponse in vus:
                compte["réponse{s} envoyée{s} deux fois, comptée{s} une"] += 1
                continue
            vus.add(reponse)
            lue, fautes, dehors = _une(textes, lieu, noms)
            if fautes:
                fautifs.append(releve.fichier)
                ou = f"{releve.fichier}, {ligne.ou}" if len(chemins) > 1 else ligne.ou
                defauts += [f"{ou} : {f}" for f in fautes]
                continue
            if dehors:
                compte["réponse{s} d'une commune hors du territoire, mise{s} de côté"] += 1
                continue
            lus.append(lue)
            mot, otes = nettoyer(textes.get("libre", ""))
            compte.update({f"{quoi} d'un mot libre": n for quoi, n in otes.items()})
            if mot:
                mots.append(mot)
    if defauts:
        raise EntreeFautive(
            ", ".join(dict.fromkeys(fautifs)),
            defauts,
            attendu="les réponses proposées par le questionnaire, ou rien",
            conseil=f"corrigez ces lignes, ou repartez du modèle ({MODELE})",
        )
    table = pd.DataFrame(lus, columns=["commune", "age", *(q.cle for q in QUESTIONS)]).astype(object)
    comptees = (f"{n} {quoi.format(s='s' if n > 1 else '')}" for quoi, n in compte.items())
    return Reponses(table, tuple(mots), (*remarques, *comptees))


def _une(textes: Mapping[str, str], lieu: Territoire, noms: Mapping[str, str]) -> tuple[dict, list[str], bool]:
    fautes, dehors = [], False
    lue: dict[str, object] = {"commune": "", "age": ""}
    ecrit = textes["commune"]
    if ecrit:
        lue["commune"], faute, dehors = commune_dite(ecrit, lieu, noms)
        fautes += [faute] if faute and not dehors else []
    tranches = {normaliser(a): a for a in AGES}
    age = re.sub(r"\s*ans?$", "", textes["age"])
    if normaliser(textes["age"]) in tranches:
        lue["age"] = tranches[normaliser(textes["age"])]
    elif age and not (age.isascii() and age.isdigit() and int(age) <= 17):
        fautes.append(f"âge « {textes['age']} » (de 0 à 17 ans)")
    elif age:
        lue["age"] = AGES[min(int(age) // 5, 3)]
    for question in QUESTIONS:
        dites = [d.strip() for d in textes[question.cle].split(SEPARATEUR) if d.strip()]
        if not question.plusieurs:
            dites = [textes[question.cle]] if textes[question.cle] else []
        connues = {normaliser(r): r for r in question.reponses}
        if question.plusieurs:
            # Un formulaire en ligne les sépare par des virgules ou des points-virgules.
            dites = [p for d in dites for p in _separer(d, connues)]
        for d in dites:
            if normaliser(d) not in connues:
                proches = difflib.get_close_matches(normaliser(d), connues, n=2, cutoff=0.7) or connues
                choix = " ; ".join(connues[p] for p in proches)
                fautes.append(f"« {d} » n'est pas une réponse à « {question.texte} » (au choix : {choix})")
        retenues = [connues[normaliser(d)] for d in dites if normaliser(d) in connues]
        lue[question.cle] = SEPARATEUR.join(dict.fromkeys(retenues))
    return lue, fautes, dehors


def _separer(dite: str, connues: Collection[str]) -> list[str]:
    morceaux = [m.strip() for m in re.split("[,;/]", dite)]
    return morceaux if all(normaliser(m) in connues for m in morceaux) else [dite]


_MAJ = r"[A-ZÀ-ÖØ-Þ]"
_NOMINATIFS = (
    ("courriel ôté", re.compile(r"[\w.+%'-]+\s*(?:@|\(at\)|\[at\])\s*[\w-]+(?:\.[\w-]+)+", re.IGNORECASE)),
    ("numéro ôté", re.compile(r"(?<![\d,.])(?:\+|00)?\d(?:[\s.\-/]?\d){8,}(?![\d])")),
    ("adresse ôtée", re.compile(
        r"\b\d{1,4}\s*(?:bis|ter)?,?\s+(?:rue|avenue|av\.|boulevard|bd|chemin|place|impasse|allée|route|square|quai|lieu-dit)"
        r"\b(?:\s+(?:de|du|des|la|le|les|l'|d'|aux?))*\s*[^\s,.;:!?]+(?:\s+" + _MAJ + r"[\w'’-]*)*", re.IGNORECASE)),
    ("nom ôté", re.compile(
        r"\b(?:M\.|Mr\.?|Mme\.?|Mlle\.?|[Mm]onsieur|[Mm]adame|[Mm]ademoiselle|[Dd]octeur|Dr\.?)\s+"
        + _MAJ + r"[\w'’-]*(?:\s+" + _MAJ + r"[\w'’-]*)*")),
    ("nom ôté", re.compile(
        r"(?<=appelle )" + _MAJ + r"[\w'’-]*(?:\s+" + _MAJ + r"[\w'’-]*)*|(?<=prénomme )" + _MAJ + r"[\w'’-]*")),
    ("nom ôté", re.compile(r"(?<=\bfils )" + _MAJ + r"[\w'’-]+|(?<=\bfille )" + _MAJ + r"[\w'’-]+")),
)  # fmt: skip
_LONGUEUR = 600


def nettoyer(texte: str) -> tuple[str, Counter[str]]:
    """Un mot libre sans ce qui désigne quelqu'un, et le compte de ce qui a été ôté.

    Examples
    --------
    >>> nettoyer("Écrivez à lea@mail.fr ou au 06 12 34 56 78, Mme Durand")[0]
    'Écrivez à [courriel ôté] ou au [numéro ôté], [nom ôté]'
    >>> nettoyer("Ma fille Léa va à la crèche, 12 rue des Lilas")[0]
    'Ma fille [nom ôté] va à la crèche, [adresse ôtée]'
    >>> nettoyer("Plus de places en 2026 !")
    ('Plus de places en 2026 !', Counter())
    """
    otes: Counter[str] = Counter()
    propre = " ".join(texte.split())
    for quoi, motif in _NOMINATIFS:
        propre, n = motif.subn(f"[{quoi}]", propre)
        if n:
            otes[quoi] += n
    return (propre if len(propre) <= _LONGUEUR else propre[: _LONGUEUR - 1].rstrip() + "…"), otes
