"""Les colonnes d'un registre : leurs noms, leurs synonymes, et la correspondance proposée puis confirmée."""

from __future__ import annotations

import difflib
import html
import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from cafdiag.donnees.registres_rgpd import ne_se_garde_pas
from cafdiag.erreurs import DemandeFausse, EntreeFautive
from cafdiag.magasin import ecrire_atomique
from cafdiag.territoires.normalisation import normaliser

ASSISTANTS = "assistants_maternels"
# Type canonique → libellé du modèle, autres façons de l'écrire.
TYPES = {
    "eaje": ("EAJE", "etablissement d accueil du jeune enfant|etablissement d accueil de jeunes enfants|"
             "multi accueil|creche collective|creche familiale|creche parentale|halte garderie|"
             "creche psu|jardin d enfants"),
    "micro_creche": ("Micro-crèche", "micro creches|microcreche|micro creche paje|micro creche psu"),
    "alsh": ("ALSH", "accueil de loisirs|accueil de loisirs sans hebergement|accueil de loisir sans "
             "hebergement|centre de loisirs|clsh|acm|accueil collectif de mineurs"),
    "centre_social": ("Centre social", "centres sociaux|centre socioculturel|centre socio culturel|"
                      "centre social et culturel"),
    "evs": ("EVS", "espace de vie sociale|espaces de vie sociale"),
    "laep": ("LAEP", "lieu d accueil enfants parents|lieu d accueil enfant parent|"
             "lieux d accueil enfants parents"),
    "rpe": ("RPE", "relais petite enfance|relais assistants maternels|relais assistantes maternelles|ram"),
    "france_services": ("France services", "espace france services|maison france services|france service|"
                        "msap"),
    "ps_jeunes": ("PS jeunes", "prestation de service jeunes|psj|espace jeunes"),
    ASSISTANTS: ("Assistants maternels", "assistant maternel|assistante maternelle|assistantes maternelles|"
                 "assmat|accueil individuel"),
}
TYPES_STRUCTURES = tuple(t for t in TYPES if t != ASSISTANTS)
TEMPS = {
    "periscolaire": ("Périscolaire (matin, midi, soir)", "periscolaire|matin|midi|soir|matin et soir|"
                     "accueil periscolaire|lmjv|pause meridienne"),
    "mercredi": ("Mercredi", "mercredis|plan mercredi|periscolaire mercredi"),
    "samedi": ("Samedi", "samedis"),
    "petites_vacances": ("Petites vacances", "vacances scolaires hors ete|petites vacances scolaires"),
    "juillet": ("Juillet", ""),
    "aout": ("Août", ""),
    "ete": ("Été (juillet et août)", "ete|vacances d ete|grandes vacances|juillet aout"),
    "sejours": ("Séjours courts", "sejour|sejours|mini camps"),
}
AGES = ("moins_6", "6_11", "12_17")
_AGREMENTS = {"agree": ("Agréé", "oui|agrement|labellise|labellisee|agreee|conventionne"),
              "prefiguration": ("Préfiguration", "en prefiguration"),
              "en_cours": ("En cours", "en cours d agrement|en renouvellement|demande en cours"),
              "non_agree": ("Non agréé", "non|sans agrement|refuse")}
_FINANCEMENTS = {"psu": ("PSU", "prestation de service unique"), "paje": ("Paje (CMG structure)", "paje|cmg")}
_FORMATS = {"fixe": ("Fixe", "espace labellise"), "itinerant": ("Itinérant", "bus|itinerante|mobile"),
            "antenne": ("Antenne", "")}
_MISSIONS = {"oui": ("Oui", "o|vrai|1|x"), "non": ("Non", "n|faux|0")}


@dataclass(frozen=True)
class Champ:
    """Une colonne connue : nom canonique, intitulé du modèle, genre de valeur, types concernés."""

    nom: str
    libelle: str
    genre: str
    synonymes: str = ""
    types: tuple[str, ...] = ()
    choix: Mapping[str, tuple[str, str]] | None = None
    aide: str = ""

    @property
    def formes(self) -> frozenset[str]:
        """Écritures exactes : le nom canonique et l'intitulé du modèle, sans accent ni casse."""
        return frozenset({_forme(self.nom), _forme(self.libelle)})


def _forme(entete: str) -> str:
    # Le « * » du modèle marque une colonne obligatoire.
    return normaliser(entete.replace("_", " ").replace("*", " ").replace("°", " "))


_AVS = ("centre_social", "evs")
CHAMPS: dict[str, Champ] = {c.nom: c for c in (
    Champ("type", "Type de structure", "choix", "type structure|categorie|type d equipement|nature|"
          "type equipement|type de service|typologie", choix=TYPES),
    Champ("nom", "Nom de la structure", "texte", "nom structure|structure|etablissement|"
          "nom de l etablissement|nom etablissement|denomination|raison sociale|intitule|enseigne|"
          "equipement|nom equipement|nom de l equipement|nom usuel|nom du lieu|lieu|lib fs"),
    Champ("code", "Code commune (Insee)", "code", "code insee|insee|code commune|code insee commune|"
          "code insee de la commune|codgeo|depcom|insee com|com insee|code com|code geo|citycode|"
          "numero insee|n insee|num insee|code commune insee", aide="5 caractères, en texte : 01004, 2A004"),
    Champ("commune", "Commune", "texte", "nom commune|nom de la commune|ville|libgeo|libcom|localite|"
          "commune d implantation|libelle commune|lib com|nom com|communes"),
    Champ("code_postal", "Code postal", "texte", "cp|codpos|code postal commune|postal code|codepostal"),
    Champ("adresse", "Adresse", "texte", "adresse postale|adresse complete|rue|voie|adresse 1|"
          "adresse de la structure|adresse structure|numero et voie"),
    Champ("lon", "Longitude", "coordonnee", "longitude|lng|long|x|coord x|coordonnee x|x wgs84|lambert x|"
          "x lambert 93|x lambert93|x l93|coordx|x lambert|longitude wgs84|xcoord|geo lon"),
    Champ("lat", "Latitude", "coordonnee", "latitude|y|coord y|coordonnee y|y wgs84|lambert y|"
          "y lambert 93|y lambert93|y l93|coordy|y lambert|latitude wgs84|ycoord|geo lat"),
    Champ("places", "Places", "entier", "nombre de places|nb places|nb de places|capacite|"
          "capacite d accueil|capacite agreee|places agreees|nombre de places agreees|capacite totale|"
          "total places|places agrement|agrement places|nombre places|capacite theorique",
          types=("eaje", "micro_creche", "alsh", ASSISTANTS)),
    Champ("type_accueil", "Type d'accueil", "texte", "mode d accueil|type accueil",
          types=("eaje", "micro_creche")),
    Champ("mode_financement", "Mode de financement", "choix", "financement|psu ou paje|mode de financement "
          "caf|psu paje", types=("eaje", "micro_creche"), choix=_FINANCEMENTS),
    Champ("heures_facturees", "Heures facturées par an", "nombre", "heures facturees|nb heures facturees|"
          "nombre d heures facturees", types=("eaje", "micro_creche")),
    Champ("heures_realisees", "Heures réalisées par an", "nombre", "heures realisees|nb heures realisees|"
          "heures enfants|heures enfant|nombre d heures realisees|heures",
          types=("eaje", "micro_creche", "alsh")),
    Champ("temps", "Temps d'accueil", "choix", "temps accueil|periode|periode d accueil|temps",
          types=("alsh",), choix=TEMPS),
    Champ("places_moins_6", "Places moins de 6 ans", "entier", "places 3 5 ans|moins de 6 ans|m6ans|"
          "places 6 ans|nb places moins de 6 ans|3 5 ans|maternels|places maternelles|capacite moins de 6 ans",
          types=("alsh",)),
    Champ("places_6_11", "Places 6-11 ans", "entier", "6 11 ans|places 6 a 11 ans|nb places 6 11 ans|"
          "elementaires|capacite 6 11 ans|places elementaires", types=("alsh",)),
    Champ("places_12_17", "Places 12-17 ans", "entier", "12 17 ans|places 12 a 17 ans|nb places 12 17 ans|"
          "ados|capacite 12 17 ans|places ados", types=("alsh",)),
    Champ("statut_agrement", "Agrément", "choix", "statut agrement|statut de l agrement|etat de l agrement|"
          "agree|label|labellisation", types=(*_AVS, "laep", "rpe", "ps_jeunes", "france_services"),
          choix=_AGREMENTS),
    Champ("date_agrement", "Début de l'agrément", "date", "date agrement|date d agrement|debut agrement|"
          "date de l agrement|date debut agrement|agrement debut|date de labellisation|date label",
          types=(*_AVS, "laep", "rpe", "ps_jeunes", "france_services")),
    Champ("date_fin_agrement", "Fin de l'agrément", "date", "fin agrement|date fin agrement|"
          "date de fin d agrement|fin d agrement|echeance agrement|agrement fin",
          types=(*_AVS, "laep", "rpe", "ps_jeunes")),
    Champ("heures_ouverture", "Heures d'ouverture par an", "nombre", "heures ouverture|heures d ouverture|"
          "nb heures ouverture|heures ouverture par an", types=("laep",)),
    Champ("etp", "ETP", "nombre", "etp animateurs|nombre d etp|equivalent temps plein|nb etp",
          types=("rpe", "ps_jeunes")),
    Champ("communes_couvertes", "Communes couvertes (codes Insee)", "codes", "communes couvertes|"
          "zone d influence|communes desservies|territoire couvert|zone d intervention",
          types=(*_AVS, "rpe"), aide="codes séparés par une espace"),
    Champ("missions_renforcees", "Missions renforcées", "choix", "mission renforcee|missions renforcees rpe",
          types=("rpe",), choix=_MISSIONS),
    Champ("format", "Format", "choix", "type fs|format fs|forme", types=("france_services",), choix=_FORMATS),
    Champ("jeunes_accueillis", "Jeunes différents accueillis par an", "entier", "jeunes accueillis|"
          "nombre de jeunes|nb jeunes", types=("ps_jeunes",)),
    Champ("agrees", "Assistants maternels agréés", "entier", "nombre d assistants maternels|"
          "nb assistants maternels|assistants maternels agrees|agrees|nombre d agrements|effectif|"
          "assistantes maternelles agreees|nombre|nb assmat|nombre assistants maternels|am agrees",
          types=(ASSISTANTS,)),
    Champ("en_exercice", "dont en exercice", "entier", "en exercice|en activite|actifs|"
          "assistants maternels en exercice|am en activite", types=(ASSISTANTS,)),
    Champ("gestionnaire", "Gestionnaire", "texte", "organisme gestionnaire|porteur|structure gestionnaire|"
          "nom du gestionnaire", types=TYPES_STRUCTURES),
    Champ("date_ouverture", "Date d'ouverture", "date", "ouverture|date ouverture|date de creation|"
          "ouvert le", types=TYPES_STRUCTURES),
    Champ("date_fermeture", "Date de fermeture", "date", "fermeture|date fermeture|ferme le",
          types=TYPES_STRUCTURES),
    Champ("annee", "Année", "annee", "annee de reference|millesime|exercice|date reference"),
)}
# « Nom de la crèche », « Nom du centre de loisirs »…
_NOM_DE_LIEU = re.compile(r"^nom (?:de la |du |de l |des )?(?:micro creche|creche|centre|accueil|eaje|alsh|laep|"
                          r"rpe|evs|relais|service|site|lieu|multi accueil)\b")
CERTITUDES = ("exacte", "synonyme", "proche")


def champs_de(type_structure: str) -> list[Champ]:
    """Colonnes d'un type de structure : les communes à tous, puis les siennes.

    >>> [c.nom for c in champs_de("laep")][-3:]
    ['date_ouverture', 'date_fermeture', 'annee']
    """
    sans = ("nom", "adresse", "lon", "lat") if type_structure == ASSISTANTS else ()
    return [c for c in CHAMPS.values()
            if c.nom not in sans and (not c.types or type_structure in c.types)]


def choisir(champ: Champ, valeur: str) -> str | None:
    """Valeur canonique d'une liste de choix, ou None si la valeur n'y est pas.

    >>> choisir(CHAMPS["type"], "Espaces de vie sociale"), choisir(CHAMPS["temps"], "AOUT")
    ('evs', 'aout')
    """
    forme = _forme(valeur)
    for cle, (libelle, autres) in (champ.choix or {}).items():
        if forme in {_forme(cle), _forme(libelle), *autres.split("|")} - {""}:
            return cle
    return None


@dataclass(frozen=True)
class Correspondance:
    """Quelle colonne du fichier nourrit quel champ.

    Attributes
    ----------
    colonnes : dict
        Champ → en-tête du fichier.
    certitudes : dict
        Champ → « exacte » (mot du modèle), « synonyme », « proche » (à relire de près).
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
    def a_confirmer(self) -> bool:
        """Vrai si une colonne au moins a été reconnue autrement que par son nom du modèle."""
        return not self.confirmee and (
            bool(self.ambigues) or any(c != "exacte" for c in self.certitudes.values()))

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
            self, colonnes=neuves,
            certitudes={c: "exacte" if c in colonnes else v for c, v in self.certitudes.items()
                        if c in neuves} | {c: "exacte" for c, e in colonnes.items() if e},
            ignorees=tuple(e for e in self.ignorees if e not in neuves.values())
            + tuple(e for e in entetes - set(self.ignorees) if e not in neuves.values()),
            ambigues={c: e for c, e in self.ambigues.items() if c not in colonnes},
            type_structure=self.type_structure if type_structure is None else type_structure)

    def confirmer(self) -> Correspondance:
        """La même, déclarée relue par l'utilisateur.

        Raises
        ------
        DemandeFausse
            Un champ a encore deux colonnes possibles : il faut choisir.
        """
        if self.ambigues:
            raise DemandeFausse(_ambigues(self.ambigues), attendu="une seule colonne par champ",
                                conseil="choisissez-la avec .avec(champ=\"en-tête\")")
        return replace(self, confirmee=True)

    def en_texte(self) -> str:
        """La proposition, une ligne par colonne."""
        lignes = [f"{CHAMPS[c].libelle} ← « {e} » ({self.certitudes.get(c, 'exacte')})"
                  for c, e in self.colonnes.items()]
        if self.ambigues:
            lignes.append(_ambigues(self.ambigues))
        if self.ignorees:
            lignes.append("non reprises : " + ", ".join(f"« {e} »" for e in self.ignorees))
        return "\n".join(lignes)

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(self.en_texte())}</pre>"

    def ecrire(self, chemin: str | Path) -> Path:
        """Écrit la correspondance dans un petit fichier TOML, relu à l'import suivant."""
        texte = ["# Correspondance des colonnes : champ de cafdiag = en-tête du fichier.",
                 "# Relue à chaque import ; corrigez-la ici."]
        if self.type_structure:
            texte.append(f"type_structure = {_toml(self.type_structure)}")
        texte += ["", "[colonnes]", *(f"{c} = {_toml(e)}" for c, e in self.colonnes.items()), ""]
        return ecrire_atomique(chemin, "\n".join(texte))


def _toml(texte: str) -> str:
    return json.dumps(texte, ensure_ascii=False)


def _ambigues(ambigues: Mapping[str, Sequence[str]]) -> str:
    return " ; ".join(f"plusieurs colonnes pour « {CHAMPS[c].libelle} » : " + ", ".join(f"« {e} »" for e in es)
                      for c, es in ambigues.items())


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
        raise EntreeFautive(chemin.name, [f"correspondance illisible ({cause})"], conseil=conseil) from cause
    colonnes, type_structure = lu.get("colonnes"), lu.get("type_structure", "")
    defauts = [f"clé inconnue : « {c} »" for c in lu if c not in ("colonnes", "type_structure")]
    if not isinstance(colonnes, dict) or not colonnes:
        defauts.append("la table [colonnes] manque")
        colonnes = {}
    defauts += [f"champ inconnu : « {c} »" for c in colonnes if c not in CHAMPS]
    defauts += [f"« {c} » : un en-tête est attendu" for c, e in colonnes.items() if not isinstance(e, str) or not e]
    if type_structure and type_structure not in TYPES:
        defauts.append(f"type_structure : « {type_structure} » (attendu : {', '.join(TYPES)})")
    if defauts:
        raise EntreeFautive(chemin.name, defauts, attendu="champ = \"en-tête\", parmi " + ", ".join(CHAMPS),
                            conseil=conseil)
    return Correspondance(dict(colonnes), dict.fromkeys(colonnes, "exacte"), type_structure=type_structure,
                          confirmee=True)


def reconnaitre(entete: str) -> tuple[str, str] | None:
    """Champ que désigne un en-tête, et avec quelle certitude ; None s'il n'en désigne aucun.

    >>> reconnaitre("NOM DE LA STRUCTURE *"), reconnaitre("Code INSEE"), reconnaitre("Adrese")
    (('nom', 'exacte'), ('code', 'synonyme'), ('adresse', 'proche'))
    """
    forme = _forme(entete)
    if not forme:
        return None
    for champ in CHAMPS.values():
        if forme in champ.formes:
            return champ.nom, "exacte"
    for champ in CHAMPS.values():
        if forme in champ.synonymes.split("|"):
            return champ.nom, "synonyme"
    if ne_se_garde_pas(entete):
        return None
    if _NOM_DE_LIEU.match(forme):
        return "nom", "synonyme"
    # Un mot court ressemble à trop d'autres : « dep » n'est pas « cp ».
    if len(forme) >= 5:
        connues = {f: c.nom for c in CHAMPS.values()
                   for f in (*c.formes, *c.synonymes.split("|")) if len(f) >= 5}
        # Un chiffre qui diffère change le sens : « places 6-12 ans » n'est pas « places 6-11 ans ».
        chiffres = re.findall(r"\d+", forme)
        proches = [f for f in difflib.get_close_matches(forme, connues, n=3, cutoff=0.86)
                   if re.findall(r"\d+", f) == chiffres]
        if proches:
            return connues[proches[0]], "proche"
    return None


def proposer(entetes: Sequence[str], *, type_structure: str = "") -> Correspondance:
    """Propose une correspondance pour des en-têtes : rien n'est deviné sans être dit.

    Parameters
    ----------
    entetes : sequence of str
    type_structure : str
        Type de toutes les lignes, quand le fichier n'a pas de colonne « type ».

    Examples
    --------
    >>> c = proposer(["Établissement", "Code INSEE", "Capacité", "Observations"], type_structure="eaje")
    >>> c.colonnes, c.ignorees, c.a_confirmer
    ({'nom': 'Établissement', 'code': 'Code INSEE', 'places': 'Capacité'}, ('Observations',), True)
    """
    trouves: dict[str, list[tuple[int, str]]] = {}
    for entete in dict.fromkeys(e for e in entetes if e):
        reconnu = reconnaitre(entete)
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
    return Correspondance(colonnes, certitudes, tuple(e for e in dict.fromkeys(entetes) if e and e not in pris),
                          ambigues, type_structure)
