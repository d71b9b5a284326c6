"""Du classeur au tableau : les feuilles qui sont un registre, leurs colonnes, et ce qui n'y est pas une structure.

La correspondance des colonnes est proposée, puis confirmée. Totaux, notes et intertitres sont rangés de côté et
comptés, jamais lus comme une structure ni pris pour un défaut.
"""

from __future__ import annotations

import difflib
import html
import json
import re
import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import pandas as pd

from cafdiag.donnees.nettoyage import MANQUANTS
from cafdiag.donnees.registres_champs import ASSISTANTS, CHAMPS, GEOCODAGE, TYPES, choisir, forme, types_dits
from cafdiag.donnees.registres_lieux import lire_couple, localiser
from cafdiag.donnees.registres_rgpd import EXPLICATION, ne_se_garde_pas, nominatives, nomme_quelqu_un
from cafdiag.donnees.tableurs import Feuille, lire_feuilles
from cafdiag.erreurs import DemandeFausse, EntreeFautive, fichier_illisible, peut_etre
from cafdiag.magasin import ecrire_atomique
from cafdiag.territoires.normalisation import normaliser

# « Nom de la crèche », « Nom du centre de loisirs »…
_NOM_DE_LIEU = re.compile(
    r"^nom (?:de la |du |de l |des )?(?:micro creche|creche|centre|accueil|eaje|alsh|laep|"
    r"rpe|evs|relais|service|site|lieu|multi accueil)\b"
)
_REMARQUES = frozenset(
    {"remarque", "remarques", "observation", "observations", "commentaire", "commentaires"}
)
CERTITUDES = ("exacte", "synonyme", "géocodage", "proche")


@dataclass(frozen=True)
class Correspondance:
    """Quelle colonne du fichier nourrit quel champ.

    Attributes
    ----------
    colonnes : dict
        Champ → en-tête du fichier.
    certitudes : dict
        Champ → « exacte » (mot du modèle), « synonyme », « géocodage », « proche » (à relire de près).
    ignorees : tuple of str
        Colonnes du fichier qui ne servent pas.
    ambigues : dict
        Champ → en-têtes qui s'y prêtent également : c'est à l'utilisateur de choisir.
    type_structure : str
        Type de toutes les lignes, quand le fichier n'a pas de colonne « type ».
    confirmee : bool
        Vrai si l'utilisateur l'a relue (ou si elle vient de son fichier de correspondance).
    """

    colonnes: dict[str, str]
    certitudes: dict[str, str] = field(default_factory=dict)
    ignorees: tuple[str, ...] = ()
    ambigues: dict[str, tuple[str, ...]] = field(default_factory=dict)
    type_structure: str = ""
    confirmee: bool = False

    @property
    def inconnues(self) -> tuple[str, ...]:
        """Colonnes non reprises qui pourraient être utiles sous un nom que nous ne connaissons pas."""
        return tuple(e for e in self.ignorees if not ne_se_garde_pas(e) and forme(e) not in _REMARQUES)

    @property
    def a_confirmer(self) -> bool:
        """Vrai si une colonne a été reconnue autrement que par son nom du modèle, ou ne l'a pas été."""
        return not self.confirmee and (
            bool(self.ambigues)
            or bool(self.inconnues)
            or any(c != "exacte" for c in self.certitudes.values())
        )

    def avec(self, *, type_structure: str | None = None, **colonnes: str | None) -> Correspondance:
        """La même, corrigée : ``avec(places="Capacité", adresse=None)``.

        Raises
        ------
        DemandeFausse
            Champ inconnu.
        """
        inconnus = [c for c in colonnes if c not in CHAMPS]
        if inconnus:
            raise DemandeFausse("champ inconnu : " + ", ".join(inconnus), attendu=", ".join(CHAMPS))
        neuves = {c: e for c, e in {**self.colonnes, **colonnes}.items() if e}
        entetes = {*self.colonnes.values(), *self.ignorees}
        return replace(
            self,
            colonnes=neuves,
            certitudes={
                c: "exacte" if c in colonnes else v for c, v in self.certitudes.items() if c in neuves
            }
            | {c: "exacte" for c, e in colonnes.items() if e},
            ignorees=tuple(e for e in self.ignorees if e not in neuves.values())
            + tuple(e for e in entetes - set(self.ignorees) if e not in neuves.values()),
            ambigues={c: e for c, e in self.ambigues.items() if c not in colonnes},
            type_structure=self.type_structure if type_structure is None else type_structure,
        )

    def completer(self, colonnes: Mapping[str, str]) -> Correspondance:
        """La même, complétée d'après les valeurs du fichier : à relire comme un synonyme."""
        neuves = {c: e for c, e in colonnes.items() if e}
        remplacees = [self.colonnes[c] for c in neuves if c in self.colonnes]
        remplacees += [e for c in neuves for e in self.ambigues.get(c, ())]
        prises = {*(e for c, e in self.colonnes.items() if c not in neuves), *neuves.values()}
        return replace(
            self,
            colonnes={**self.colonnes, **neuves},
            certitudes={**self.certitudes, **dict.fromkeys(neuves, "synonyme")},
            ambigues={c: es for c, es in self.ambigues.items() if c not in neuves},
            ignorees=tuple(
                e
                for e in dict.fromkeys((*self.ignorees, *remplacees))
                if e not in prises
            ),
        )

    def sans(self, *champs: str) -> Correspondance:
        """La même, sans ces champs : leurs colonnes sont citées parmi celles qui ne servent pas."""
        ote = [e for c, e in self.colonnes.items() if c in champs]
        ote += [e for c in champs for e in self.ambigues.get(c, ())]
        return replace(
            self,
            colonnes={c: e for c, e in self.colonnes.items() if c not in champs},
            certitudes={c: v for c, v in self.certitudes.items() if c not in champs},
            ambigues={c: es for c, es in self.ambigues.items() if c not in champs},
            ignorees=tuple(dict.fromkeys((*self.ignorees, *ote))),
        )

    def confirmer(self) -> Correspondance:
        """La même, déclarée relue par l'utilisateur.

        Raises
        ------
        DemandeFausse
            Un champ a encore deux colonnes possibles : il faut choisir.
        """
        if self.ambigues:
            raise DemandeFausse(
                _ambigues(self.ambigues),
                attendu="une seule colonne par champ",
                conseil='choisissez-la avec .avec(champ="en-tête")',
            )
        return replace(self, confirmee=True)

    def en_texte(self) -> str:
        """La proposition, une ligne par colonne."""
        lignes = [
            f"{CHAMPS[c].libelle} ← « {e} » ({self.certitudes.get(c, 'exacte')})"
            for c, e in self.colonnes.items()
        ]
        if self.ambigues:
            lignes.append(_ambigues(self.ambigues))
        if self.ignorees:
            lignes.append("non reprises : " + ", ".join(f"« {e} »" for e in self.ignorees))
        return "\n".join(lignes)

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(self.en_texte())}</pre>"

    def ecrire(self, chemin: str | Path) -> Path:
        """Écrit la correspondance dans un petit fichier TOML, relu à l'import suivant."""
        texte = [
            "# Correspondance des colonnes : champ de cafdiag = en-tête du fichier.",
            "# Relue à chaque import ; corrigez-la ici.",
        ]
        if self.type_structure:
            texte.append(f"type_structure = {_toml(self.type_structure)}")
        texte += ["", "[colonnes]", *(f"{c} = {_toml(e)}" for c, e in self.colonnes.items()), ""]
        return ecrire_atomique(chemin, "\n".join(texte))


def _toml(texte: str) -> str:
    return json.dumps(texte, ensure_ascii=False)


def _ambigues(ambigues: Mapping[str, Sequence[str]]) -> str:
    return " ; ".join(
        f"plusieurs colonnes pour « {CHAMPS[c].libelle} » : " + ", ".join(f"« {e} »" for e in es)
        for c, es in ambigues.items()
    )


def chemin_correspondance(chemin: Path) -> Path:
    """Petit fichier de correspondance d'un registre : ``creches.xlsx`` → ``creches.correspondance.toml``."""
    return chemin.with_name(f"{chemin.stem}.correspondance.toml")


def relire(chemin: Path) -> Correspondance | None:
    """Correspondance déjà confirmée : celle du fichier, sinon le ``correspondance.toml`` du dossier.

    Raises
    ------
    EntreeFautive
        Le petit fichier est illisible ou nomme un champ inconnu.
    """
    for candidat in (chemin_correspondance(chemin), chemin.with_name("correspondance.toml")):
        if candidat.is_file():
            return _relire(candidat)
    return None


def _relire(chemin: Path) -> Correspondance:
    conseil = "corrigez ce fichier, ou supprimez-le : une correspondance sera proposée"
    try:
        lu = tomllib.loads(chemin.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as cause:
        raise fichier_illisible(chemin, cause, attendu="une correspondance de colonnes", conseil=conseil) from cause
    colonnes, type_structure = lu.get("colonnes"), lu.get("type_structure", "")
    connues = ("colonnes", "type_structure")
    defauts = [f"clé inconnue : « {c} »{peut_etre(c, connues)}" for c in lu if c not in connues]
    if not isinstance(colonnes, dict) or not colonnes:
        defauts.append("la table [colonnes] manque")
        colonnes = {}
    defauts += [f"champ inconnu : « {c} »{peut_etre(c, CHAMPS)}" for c in colonnes if c not in CHAMPS]
    defauts += [
        f"« {c} » : un en-tête est attendu" for c, e in colonnes.items() if not isinstance(e, str) or not e
    ]
    if type_structure and type_structure not in TYPES:
        defauts.append(f"type_structure : « {type_structure} » (attendu : {', '.join(TYPES)})")
    if defauts:
        raise EntreeFautive(
            chemin.name, defauts, attendu='champ = "en-tête", parmi ' + ", ".join(CHAMPS), conseil=conseil
        )
    return Correspondance(
        dict(colonnes), dict.fromkeys(colonnes, "exacte"), type_structure=type_structure, confirmee=True
    )


@lru_cache(maxsize=1)
def _formes() -> dict[str, tuple[str, str]]:
    """Forme d'un en-tête connu → champ et certitude ; le mot du modèle l'emporte sur le synonyme."""
    connues = {f: (champ, "géocodage") for f, champ in GEOCODAGE.items()}
    connues |= {
        f: (c.nom, "synonyme") for c in reversed(CHAMPS.values()) for f in c.synonymes.split("|") if f
    }
    return connues | {f: (c.nom, "exacte") for c in reversed(CHAMPS.values()) for f in c.formes}


@lru_cache(maxsize=4096)
def reconnaitre(entete: str, *, proches: bool = True) -> tuple[str, str] | None:
    """Champ que désigne un en-tête, et avec quelle certitude ; None s'il n'en désigne aucun.

    ``proches=False`` s'en tient aux mots connus : c'est mille fois plus court sur un fichier officiel.

    >>> reconnaitre("NOM DE LA STRUCTURE *"), reconnaitre("Code INSEE"), reconnaitre("Adrese")
    (('nom', 'exacte'), ('code', 'synonyme'), ('adresse', 'proche'))
    >>> reconnaitre("result_citycode"), reconnaitre("geo_point_2d")
    (('code', 'géocodage'), ('point', 'synonyme'))
    >>> reconnaitre("Places 2025"), reconnaitre("2025")
    (('places', 'proche'), None)
    """
    mot = forme(entete)
    if not mot:
        return None
    if mot in _formes():
        return _formes()[mot]
    if mot.startswith("result ") or ne_se_garde_pas(entete):
        return None
    if _NOM_DE_LIEU.match(mot):
        return "nom", "synonyme"
    sans_annee = re.sub(r" (?:en |au )?(?:19|20)\d\d$", "", mot)
    if proches and sans_annee != mot and sans_annee in _formes():
        return _formes()[sans_annee][0], "proche"
    # Un mot court ressemble à trop d'autres : « dep » n'est pas « cp ».
    if proches and len(mot) >= 5:
        # Un chiffre qui diffère change le sens : « places 6-12 ans » n'est pas « places 6-11 ans ».
        chiffres = re.findall(r"\d+", mot)
        candidats = difflib.get_close_matches(mot, [f for f in _formes() if len(f) >= 5], n=3, cutoff=0.86)
        trouves = [f for f in candidats if re.findall(r"\d+", f) == chiffres]
        if trouves:
            return _formes()[trouves[0]][0], "proche"
    return None


def proposer(entetes: Sequence[str], *, type_structure: str = "", proches: bool = True) -> Correspondance:
    """Propose une correspondance pour des en-têtes : rien n'est deviné sans être dit.

    Parameters
    ----------
    entetes : sequence of str
    type_structure : str
        Type de toutes les lignes, quand le fichier n'a pas de colonne « type ».
    proches : bool
        Reconnaît aussi les en-têtes qui ressemblent à un mot connu.

    Examples
    --------
    >>> c = proposer(["Établissement", "Code INSEE", "Capacité", "Observations"], type_structure="eaje")
    >>> c.colonnes, c.ignorees, c.a_confirmer
    ({'nom': 'Établissement', 'code': 'Code INSEE', 'places': 'Capacité'}, ('Observations',), True)
    """
    trouves: dict[str, list[tuple[int, str]]] = {}
    for entete in dict.fromkeys(e for e in entetes if e):
        reconnu = reconnaitre(entete, proches=proches)
        if reconnu:
            trouves.setdefault(reconnu[0], []).append((CERTITUDES.index(reconnu[1]), entete))
    colonnes, certitudes, ambigues = {}, {}, {}
    for champ in CHAMPS:
        candidats = trouves.get(champ, [])
        if not candidats:
            continue
        meilleure = min(rang for rang, _ in candidats)
        retenus = [e for rang, e in candidats if rang == meilleure]
        if len(retenus) > 1:
            ambigues[champ] = tuple(retenus)
        else:
            colonnes[champ], certitudes[champ] = retenus[0], CERTITUDES[meilleure]
    pris = {*colonnes.values(), *(e for es in ambigues.values() for e in es)}
    return Correspondance(
        colonnes,
        certitudes,
        tuple(e for e in dict.fromkeys(entetes) if e and e not in pris),
        ambigues,
        type_structure,
    )


# --- Les lignes qui ne sont pas des structures ---


TOTAL, NOTE, INTERTITRE, ENTETE, TRAIT = (
    "ligne de total",
    "note ou source sous le tableau",
    "intertitre du tableau",
    "en-tête répété",
    "ligne de séparation",
)
_MOT_TOTAL = re.compile(
    r"^(s|ss|st|saint|sous)? ?(grand )?tota(l|ux)\b|\b(total|totaux)( general| generaux)?$|^total\b|^cumul\b|^somme\b|"
    r"^recapitulatif\b|^moyenne\b|^ensemble (du |de la |de l |des |de )|^ensemble$|^dont\b|^soit (un total|\d)|"
    r"^(nombre|nb) (total|de (structures?|places|creches|etablissements|lignes))\b"
)
# « S/T Craon », « S-T », « ST : » : l'abrégé se reconnaît à son signe, « St Denis » est un saint.
_SIGLE_TOTAL = re.compile(r"^\s*(s\s*[/.]\s*t(otal)?|s\.-?t\.|s-t|sst|st\s*:)(\b|\s|\.|$)", re.IGNORECASE)
_MOT_NOTE = re.compile(
    r"^(sources?|notes?|nb|n b|nota( bene)?|champ|lecture|legende|remarques?|avertissement|attention|precisions?|"
    r"mise a jour|mis a jour|maj|date de mise a jour|derniere mise a jour|"
    r"donnees? (au|de|du|issues|extraites|provisoires)|"
    r"situation au|extraction|extrait (le|de)|edite le|edition du|imprime le|fait a|page \d|copyright|©|realisation|"
    r"producteur|contact|fichier|export|document|liste (des|arretee)|tableau|pour toute)\b"
)
_MARQUE_NOTE = re.compile(r"^\s*(\*+\s*\S|\(\d\)\s|\[\d\]\s|\d\)\s|©|→|=>|NB\s*:|N\.B\.)", re.IGNORECASE)
_LIEU = re.compile(
    r"^(commune|ville|canton|secteur|epci|cc|ca|cu|communaute|agglomeration|territoire|arrondissement|quartier|"
    r"departement|bassin|pole|zone|circonscription|intercommunalite|caf|msa)\b"
)
_QUI_SITUE = ("code", "adresse", "lon", "lat", "point", "commune", "code_postal")


def nature(cases: Sequence[str], lus: Mapping[str, str], entetes: Sequence[str]) -> str:
    """Ce qu'est une ligne qui n'est pas une structure ; vide si c'en est peut-être une.

    Parameters
    ----------
    cases : sequence of str
        Toutes les cases de la ligne.
    lus : mapping
        Champ reconnu → valeur.
    entetes : sequence of str
        En-têtes du tableau.

    Examples
    --------
    >>> entetes = ["Nom", "Code", "Places"]
    >>> nature(["S/Total Craon", "53084", "25"], {"nom": "S/Total Craon", "code": "53084"}, entetes)
    'ligne de total'
    >>> nature(["Source : PMI", "", ""], {"nom": "Source : PMI"}, entetes)
    'note ou source sous le tableau'
    >>> nature(["Les Lutins", "53084", "25"], {"nom": "Les Lutins", "code": "53084"}, entetes)
    ''
    """
    pleines = [c for c in cases if c.strip()]
    if not pleines:
        return TRAIT
    if all(not re.search(r"\w", c) for c in pleines):
        return TRAIT
    reprises = [c for c, e in zip(cases, entetes, strict=False) if c and normaliser(c) == normaliser(e)]
    if len(pleines) > 1 and len(reprises) == len(pleines):
        return ENTETE
    if _total(pleines, lus):
        return TOTAL
    premiere = pleines[0]
    if len(pleines) <= 2 and not lus.get("code"):
        mots = normaliser(premiere)
        seule = len(pleines) == 1 and len(entetes) > 2
        if _MARQUE_NOTE.match(premiere) or (_MOT_NOTE.match(mots) and (seule or premiere.rstrip().endswith(":"))):
            return NOTE
        if seule and (len(premiere) > 90 or len(mots.split()) > 14):
            return NOTE
        # Une ligne écrite avec un autre séparateur tient dans une case : c'est une structure mal écrite.
        coupee = any(s in premiere and premiere.count(s) == len(entetes) - 1 for s in ",;\t|")
        if seule and not coupee and (_LIEU.match(mots) or _titre_de_type(premiere) or not lus.get("nom")):
            return INTERTITRE
    return ""


def _total(pleines: Sequence[str], lus: Mapping[str, str]) -> bool:
    """Un mot de total en tête du nom, de la première case ou d'une case qui devrait nommer un lieu."""
    situee = any(lus.get(c) for c in _QUI_SITUE)
    dits = [lus.get("nom", ""), pleines[0], lus.get("commune", ""), lus.get("type", "")]
    for texte in dict.fromkeys(t for t in dits if t):
        mots = normaliser(texte)
        if _SIGLE_TOTAL.match(texte):
            return True
        trouve = _MOT_TOTAL.search(mots)
        # « Ensemble » ou « Cumulus » nomment aussi des lieux : sans commune ni adresse, ce n'en est pas un.
        sur = trouve and ("tota" in trouve[0] or trouve[0] == "dont")
        if (sur and not lus.get("adresse")) or (trouve and not situee):
            return True
    # Rien que des nombres : la somme d'une colonne, sans son nom.
    anonyme = not any(lus.get(c) for c in ("nom", *_QUI_SITUE))
    chiffres = [c for c in pleines if c.lower() not in MANQUANTS]
    return anonyme and bool(chiffres) and all(re.fullmatch(r"[\d \u00a0\u202f.,%]+", c) for c in chiffres)


def est_un_cumul(nom: str) -> bool:
    """Vrai si un nom peut être celui d'un cumul : les nombres diront s'il en est un.

    >>> est_un_cumul("Ensemble"), est_un_cumul("Les Lutins"), est_un_cumul("Commune de Craon")
    (True, False, True)
    """
    mots = normaliser(nom)
    return bool(_MOT_TOTAL.search(mots) or _LIEU.match(mots))


def _titre_de_type(texte: str) -> bool:
    """« Micro-crèches », « CRÈCHES COLLECTIVES » : un pluriel ou un type seul titre ce qui suit."""
    mots = normaliser(texte).split()
    return bool(types_dits(texte)) and len(mots) <= 4 and any(m.endswith(("s", "x")) for m in mots)


# --- Les feuilles, leur en-tête, leurs lignes ---


_ENTETE_AVANT = 20
# Une colonne est ce que dit la moitié au moins de ses valeurs.
_PART_LUE = 0.5
_NUMEROS = ("n", "no", "num", "numero")
# Une feuille n'est un registre que si elle dit de quoi, ou d'où, elle parle.
_PIVOTS = frozenset({"nom", "code", "commune", "code_postal", "agrees"})


@dataclass
class TableauLu:
    """Une feuille reconnue : son nom, la ligne de son en-tête, ses enregistrements."""

    feuille: str
    numero_entete: int
    entetes: list[str]
    lignes: list[tuple[int, list[str]]]
    formules: int = 0
    habillage: tuple[str, ...] = ()
    fusions: frozenset[tuple[int, int]] = frozenset()

    @property
    def ou(self) -> str:
        """Début d'un message : « feuille « X », », vide pour un CSV."""
        return f"feuille « {self.feuille} », " if self.feuille else ""

    def colonne(self, entete: str) -> list[str]:
        """Les valeurs non vides d'une colonne ; vide si elle n'y est pas."""
        rang = _rang(self, entete)
        return [] if rang is None else [c[rang] for _, c in self.lignes if rang < len(c) and c[rang]]


@dataclass
class Classeur:
    """Les tableaux d'un fichier, et les feuilles laissées de côté."""

    chemin: Path
    tableaux: list[TableauLu]
    remarques: list[str] = field(default_factory=list)

    @property
    def entetes(self) -> list[str]:
        """Tous les en-têtes, sans répétition."""
        return list(dict.fromkeys(e for t in self.tableaux for e in t.entetes if e))

    def colonne(self, entete: str) -> list[str]:
        """Les valeurs non vides d'une colonne, tous tableaux réunis."""
        return [v for t in self.tableaux for v in t.colonne(entete)]


def ouvrir(chemin: str | Path, *, connus: Sequence[str] = ()) -> Classeur:
    """Ouvre un fichier et y trouve les tableaux.

    Parameters
    ----------
    chemin : path
    connus : sequence of str
        En-têtes d'une correspondance déjà confirmée : ils comptent comme reconnus.

    Raises
    ------
    EntreeFautive
        Aucune feuille n'a les colonnes d'un registre.
    """
    chemin = Path(chemin)
    tableaux, vues = [], []
    deja = {normaliser(e) for e in connus}
    feuilles = lire_feuilles(chemin)
    for feuille in feuilles:
        tableau = _trouver(feuille, deja)
        if tableau is not None:
            tableaux.append(tableau)
        elif feuille.lignes:
            vues.append(feuille)
    if not tableaux:
        entetes = [c for f in vues for c in f.lignes[0][1] if c][:12]
        raise EntreeFautive(
            chemin.name,
            [f"aucun tableau de structures ; colonnes trouvées : {', '.join(entetes) or 'aucune'}"],
            attendu="au moins les colonnes type, nom, et code (ou commune et code postal, ou lon et lat)",
            conseil="partez d'un modèle du dossier templates/registres, ou écrivez une correspondance de colonnes",
        )
    remarques = [r for t in tableaux for r in _dire_habillage(t)]
    if laissees := feuilles_laissees(vues):
        remarques.append(f"feuille(s) sans tableau de structures, laissée(s) de côté : {laissees}")
    remarques += [r for f in feuilles for r in f.remarques]
    formules = sum(t.formules for t in tableaux)
    if formules:
        remarques.append(
            f"{formules} formule(s) : dernière valeur calculée par le tableur, rien n'est exécuté"
        )
    return Classeur(chemin, tableaux, remarques)


def feuilles_laissees(feuilles: Sequence[Feuille]) -> str:
    """Nom et taille des feuilles où l'on n'a rien lu, pour le dire ; vide s'il n'y a que le mode d'emploi."""
    laissees = [f for f in feuilles if f.lignes and normaliser(f.nom) != "mode d emploi"]
    return ", ".join(f"« {f.nom} » ({len(f.lignes)} lignes)" for f in laissees)


def _trouver(feuille: Feuille, deja: set[str]) -> TableauLu | None:
    meilleur, score = None, 1
    for rang, (_, cellules) in enumerate(feuille.lignes[:_ENTETE_AVANT]):
        champs = {
            ("deja", c) if normaliser(c) in deja else reconnaitre(c) for c in cellules if c and len(c) < 80
        }
        reconnus = [r[0] if r[0] != "deja" else "nom" for r in champs if r and r[1] != "proche"]
        if len(reconnus) > score and _PIVOTS & set(reconnus):
            meilleur, score = rang, len(reconnus)
    if meilleur is None:
        return None
    numero, entetes = feuille.lignes[meilleur]
    if meilleur and feuille.lignes[meilleur - 1][0] == numero - 1:
        entetes = _sur_deux_lignes(feuille.lignes[meilleur - 1][1], entetes)
    lignes = feuille.lignes[meilleur + 1 :]
    donnees = {n for n, _ in lignes}
    return TableauLu(
        feuille.nom,
        numero,
        list(entetes),
        lignes,
        sum(ligne in donnees for ligne, _ in feuille.formules),
        tuple(" ".join(c for c in cellules if c) for _, cellules in feuille.lignes[:meilleur]),
        frozenset(feuille.fusions),
    )


def _sur_deux_lignes(dessus: Sequence[str], entetes: Sequence[str]) -> list[str]:
    """« Places » au-dessus de « 2025 » : l'en-tête entier, s'il se reconnaît alors et que personne ne l'a déjà.

    >>> _sur_deux_lignes(["Registre", "", "Places"], ["Nom", "Code", "2025"])
    ['Nom', 'Code', 'Places 2025']
    """
    haut = [*dessus, *[""] * len(entetes)]
    deja = {r[0] for r in map(reconnaitre, entetes) if r}
    entiers = [f"{h} {e}".strip() if h and not reconnaitre(e) else e for h, e in zip(haut, entetes, strict=False)]
    lus = [reconnaitre(entier) for entier in entiers]
    return [n if r and r[0] not in deja else e for e, n, r in zip(entetes, entiers, lus, strict=True)]


def _dire_habillage(tableau: TableauLu) -> list[str]:
    """Ce qui est au-dessus de l'en-tête ; « sep=; », qu'un tableur écrit pour lui-même, n'est pas un titre."""
    titres = [t for t in tableau.habillage if not t.lower().startswith("sep=")]
    if not titres:
        return []
    extrait = titres[0][:60] + ("…" if len(titres[0]) > 60 or len(titres) > 1 else "")
    return [f"{tableau.ou}{len(titres)} ligne(s) ignorée(s) au-dessus de l'en-tête : « {extrait} »"]


def refuser_nominatives(classeur: Classeur, correspondance: Correspondance, *, publique: bool = False) -> None:
    """Refuse le fichier si une case, reprise ou non, désigne une personne.

    Une liste publique (``publique=True``) donne les contacts de ses structures : ils ne sont pas lus.

    Raises
    ------
    EntreeFautive
        Toutes les colonnes et lignes en cause ; les valeurs sont tues.
    """
    defauts = []
    for tableau in classeur.tableaux:
        defauts += nominatives(
            tableau.entetes,
            tableau.lignes,
            feuille=tableau.feuille,
            assistants=_lignes_d_assistants(tableau, correspondance),
            publique=publique,
        )
        rangs = [_rang(tableau, correspondance.colonnes.get(c, "")) for c in ("nom", "gestionnaire")]
        defauts += [
            f"{tableau.ou}ligne {n}, colonne « {tableau.entetes[k]} » : nom d'une personne (valeur tue) ; une enseigne "
            "s'écrit avec ce qu'elle est (« Micro-crèche Madame… »)"
            for k in rangs
            if k is not None and not publique
            for n, cases in tableau.lignes
            if k < len(cases) and nomme_quelqu_un(cases[k])
        ]
    if defauts:
        raise EntreeFautive(
            classeur.chemin.name, defauts, attendu="aucune donnée nominative", conseil=EXPLICATION
        )


def _lignes_d_assistants(tableau: TableauLu, correspondance: Correspondance) -> frozenset[int]:
    colonne = _rang(tableau, correspondance.colonnes.get("type", ""))
    if colonne is not None:
        return frozenset(
            n
            for n, c in tableau.lignes
            if colonne < len(c) and choisir(CHAMPS["type"], c[colonne]) == ASSISTANTS
        )
    toutes = ASSISTANTS in (correspondance.type_structure, choisir(CHAMPS["type"], tableau.feuille))
    return frozenset(n for n, _ in tableau.lignes) if toutes else frozenset()


def _rang(tableau: TableauLu, entete: str) -> int | None:
    if not entete:
        return None
    if entete in tableau.entetes:
        return tableau.entetes.index(entete)
    formes = [normaliser(e) for e in tableau.entetes]
    return formes.index(normaliser(entete)) if normaliser(entete) in formes else None


def proposer_pour(classeur: Classeur, *, type_structure: str = "", liste: bool = False) -> Correspondance:
    """La correspondance proposée pour tous les tableaux d'un fichier : les en-têtes, puis ce que disent les valeurs.

    Une colonne « Type » qui ne dit que « associative » n'est pas le type des structures ; un point peut être
    sous un en-tête inconnu. Dans une liste publique, de deux colonnes qui se valent, la première est prise.
    """
    proposition = proposer(classeur.entetes, type_structure=type_structure)
    retenues: dict[str, str] = {}
    for champ, entetes in proposition.ambigues.items():
        valeurs = [classeur.colonne(e) for e in entetes]
        if champ == "type":
            retenues[champ] = max(entetes, key=lambda e: _part_typee(classeur, e)) if liste else ""
        elif liste or all(v == valeurs[0] for v in valeurs):
            retenues[champ] = entetes[0]
    proposition = proposition.completer(retenues)
    if not type_structure:
        proposition = _chercher_le_type(classeur, proposition)
    proposition = _chercher_le_point(classeur, proposition)
    return _chercher_le_numero(classeur, proposition)


def _part_typee(classeur: Classeur, entete: str) -> float:
    valeurs = classeur.colonne(entete)
    return sum(bool(types_dits(v)) for v in valeurs) / len(valeurs) if valeurs else 0.0


def _chercher_le_type(classeur: Classeur, proposition: Correspondance) -> Correspondance:
    actuelle = proposition.colonnes.get("type")
    if "type" in proposition.ambigues or (actuelle and _part_typee(classeur, actuelle) > 0):
        return proposition
    champs = {e: (reconnaitre(e, proches=False) or ("",))[0] for e in classeur.entetes}
    autres = [e for e, champ in champs.items() if champ in ("type_accueil", "type") and e != actuelle]
    trouvee = max(autres, key=lambda e: _part_typee(classeur, e), default=None)
    if trouvee is None or _part_typee(classeur, trouvee) < _PART_LUE:
        return proposition
    return proposition.completer({"type": trouvee})


def _chercher_le_point(classeur: Classeur, proposition: Correspondance) -> Correspondance:
    colonnes = proposition.colonnes
    if colonnes.get("lon") and colonnes.get("lon") == colonnes.get("lat"):
        return proposition.sans("lon", "lat").completer({"point": colonnes["lon"]})
    if {"lon", "lat"} <= {*colonnes, *proposition.ambigues}:
        return proposition.sans("point")
    dite = colonnes.get("point")
    candidats = [dite] if dite else list(proposition.ambigues.get("point", ()))
    candidats += [e for e in proposition.ignorees if e not in candidats]
    for entete in candidats:
        valeurs = classeur.colonne(entete)
        if valeurs and sum(_est_un_point(v) for v in valeurs) >= _PART_LUE * len(valeurs):
            return proposition.completer({"point": entete})
    return proposition.sans("point")


def _est_un_point(valeur: str) -> bool:
    couple = lire_couple(valeur)
    return couple is not None and not localiser(float(couple[0]), float(couple[1])).defaut


def _chercher_le_numero(classeur: Classeur, proposition: Correspondance) -> Correspondance:
    """« N° » juste avant l'adresse est celui de la rue ; en tête de tableau, celui de la ligne."""
    adresse = proposition.colonnes.get("adresse", "")
    for tableau in classeur.tableaux if adresse and "numero" not in proposition.colonnes else ():
        rang = _rang(tableau, adresse)
        if rang and forme(tableau.entetes[rang - 1]) in _NUMEROS and rang > 1:
            return proposition.completer({"numero": tableau.entetes[rang - 1]})
    return proposition


def en_table(classeur: Classeur, correspondance: Correspondance) -> tuple[pd.DataFrame, list[tuple]]:
    """Une ligne par enregistrement, une colonne de textes par champ reconnu.

    Returns
    -------
    table : DataFrame
        Champs, plus ``_feuille``, ``_ligne``, ``_tout`` (toute la ligne, pour reconnaître une répétition),
        ``_nature`` (pourquoi ce n'est pas une structure, vide sinon) et ``_type_ecrit``.
    defauts : list of tuple
        (index, champ, valeur, attendu) : lignes plus longues ou plus courtes que l'en-tête.

    Raises
    ------
    EntreeFautive
        Une colonne de la correspondance manque, ou un en-tête repris est écrit deux fois.
    """
    generaux, defauts = [], []
    enregistrements: list[dict[str, Any]] = []
    for tableau in classeur.tableaux:
        doubles = {e for e, n in Counter(e for e in tableau.entetes if e).items() if n > 1}
        rangs = {}
        for champ, entete in correspondance.colonnes.items():
            rang = _rang(tableau, entete)
            if rang is not None:
                rangs[champ] = rang
                if tableau.entetes[rang] in doubles:
                    generaux.append(f"{tableau.ou}ligne {tableau.numero_entete} : deux colonnes « {entete} »")
        if correspondance.confirmee and not rangs:
            generaux.append(f"{tableau.ou}aucune colonne de la correspondance")
        de_la_feuille = choisir(CHAMPS["type"], tableau.feuille) or ""
        largeur = len(tableau.entetes)
        for numero, cellules in tableau.lignes:
            i = len(enregistrements)
            completes = cellules + [""] * (largeur - len(cellules))
            ligne = {c: completes[r] for c, r in rangs.items()}
            ecrit = ligne.get("type", "")
            # Le type demandé pour tout le fichier l'emporte sur la colonne, qui dit souvent autre chose.
            ligne["type"] = correspondance.type_structure or ecrit or ("" if "type" in rangs else de_la_feuille)
            enregistrements.append(
                {
                    **ligne,
                    "_feuille": tableau.feuille,
                    "_ligne": numero,
                    "_tout": "\x1f".join(completes),
                    "_nature": nature(completes, ligne | {"type": ecrit}, tableau.entetes),
                    "_type_ecrit": ecrit,
                }
            )
            defauts += [
                (i, c, completes[r], "un nombre sur chaque ligne (la case est fusionnée avec celle du dessus)")
                for c, r in rangs.items()
                if (numero, r) in tableau.fusions and CHAMPS[c].genre in ("entier", "nombre")
            ]
            if len(cellules) > largeur:
                defauts.append(
                    (
                        i,
                        "",
                        cellules[largeur],
                        "pas de valeur au-delà de la dernière colonne (un séparateur dans un texte ?)",
                    )
                )
    absents = [
        e for c, e in correspondance.colonnes.items() if all(_rang(t, e) is None for t in classeur.tableaux)
    ]
    trouvees = sorted({e for t in classeur.tableaux for e in t.entetes if e})
    generaux += [
        f"colonne absente : « {e} » (annoncée par la correspondance){peut_etre(e, trouvees)}" for e in absents
    ]
    if generaux:
        raise EntreeFautive(
            classeur.chemin.name,
            generaux,
            conseil="corrigez l'en-tête du fichier ou la correspondance de colonnes",
        )
    colonnes = [
        "type",
        *(c for c in CHAMPS if c != "type" and c in correspondance.colonnes),
        "_feuille",
        "_ligne",
        "_tout",
        "_nature",
        "_type_ecrit",
    ]
    table = pd.DataFrame(enregistrements, columns=colonnes)
    textes = [c for c in colonnes if c != "_ligne"]
    table[textes] = table[textes].fillna("").astype("str")
    return table, defauts
