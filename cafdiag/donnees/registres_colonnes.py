"""Les colonnes d'un registre : leurs noms, leurs synonymes, et la correspondance proposée puis confirmée."""

from __future__ import annotations

import difflib
import html
import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path

from cafdiag.donnees.registres_champs import CHAMPS, GEOCODAGE, TYPES, forme
from cafdiag.donnees.registres_rgpd import ne_se_garde_pas
from cafdiag.erreurs import DemandeFausse, EntreeFautive, fichier_illisible
from cafdiag.magasin import ecrire_atomique

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
    defauts = [f"clé inconnue : « {c} »" for c in lu if c not in ("colonnes", "type_structure")]
    if not isinstance(colonnes, dict) or not colonnes:
        defauts.append("la table [colonnes] manque")
        colonnes = {}
    defauts += [f"champ inconnu : « {c} »" for c in colonnes if c not in CHAMPS]
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
