"""Le vocabulaire des registres : types de structures, temps d'accueil, champs, synonymes ; lire leurs valeurs."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import pandas as pd

from cafdiag.donnees import nettoyage
from cafdiag.donnees.tableurs import SANS_VALEUR
from cafdiag.millesimes import millesime
from cafdiag.territoires.normalisation import normaliser
from cafdiag.territoires.passage import a_jour

ASSISTANTS = "assistants_maternels"
# Type canonique → libellé du modèle, autres façons de l'écrire.
TYPES = {
    "eaje": (
        "EAJE",
        "etablissement d accueil du jeune enfant|etablissement d accueil de jeunes enfants|"
        "multi accueil|creche collective|creche familiale|creche parentale|halte garderie|"
        "creche psu|jardin d enfants|accueil collectif|accueil familial|service d accueil familial",
    ),
    "micro_creche": ("Micro-crèche", "micro creches|microcreche|micro creche paje|micro creche psu"),
    "alsh": (
        "ALSH",
        "accueil de loisirs|accueil de loisirs sans hebergement|accueil de loisir sans "
        "hebergement|centre de loisirs|clsh|acm|accueil collectif de mineurs",
    ),
    "centre_social": (
        "Centre social",
        "centres sociaux|csc|centre socioculturel|centre socio culturel|centre social et culturel",
    ),
    "evs": ("EVS", "espace de vie sociale|espaces de vie sociale"),
    "laep": (
        "LAEP",
        "lieu d accueil enfants parents|lieu d accueil enfant parent|lieux d accueil enfants parents",
    ),
    "rpe": ("RPE", "relais petite enfance|relais assistants maternels|relais assistantes maternelles|ram"),
    "france_services": (
        "France services",
        "espace france services|maison france services|france service|msap",
    ),
    "ps_jeunes": ("PS jeunes", "prestation de service jeunes|psj|espace jeunes"),
    ASSISTANTS: (
        "Assistants maternels",
        "assistant maternel|assistante maternelle|assistantes maternelles|assmat|accueil individuel",
    ),
}
TYPES_STRUCTURES = tuple(t for t in TYPES if t != ASSISTANTS)
TEMPS = {
    "periscolaire": (
        "Périscolaire (matin, midi, soir)",
        "periscolaire|matin|midi|soir|matin et soir|accueil periscolaire|lmjv|pause meridienne",
    ),
    "mercredi": ("Mercredi", "mercredis|plan mercredi|periscolaire mercredi"),
    "samedi": ("Samedi", "samedis"),
    "petites_vacances": ("Petites vacances", "vacances scolaires hors ete|petites vacances scolaires"),
    "juillet": ("Juillet", ""),
    "aout": ("Août", ""),
    "ete": ("Été (juillet et août)", "ete|vacances d ete|grandes vacances|juillet aout"),
    "sejours": ("Séjours courts", "sejour|sejours|mini camps"),
}
AGES = ("moins_6", "6_11", "12_17")
# Seuls « agree » et « renouvellement » comptent : une demande, une préfiguration, un refus ne sont pas un agrément.
AGREMENTS = {
    "agree": ("Agréé", "oui|agrement|labellise|labellisee|agreee|conventionne"),
    "prefiguration": ("Préfiguration", "en prefiguration"),
    "en_cours": ("En cours", "en cours d agrement|demande en cours"),
    "renouvellement": ("En renouvellement", "renouvellement|renouvellement en cours"),
    "non_agree": ("Non agréé", "non|sans agrement|refuse"),
}
_FINANCEMENTS = {"psu": ("PSU", "prestation de service unique"), "paje": ("Paje (CMG structure)", "paje|cmg")}
_FORMATS = {
    "fixe": ("Fixe", "espace labellise"),
    "itinerant": ("Itinérant", "bus|itinerante|mobile"),
    "antenne": ("Antenne", ""),
}
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
        return frozenset({forme(self.nom), forme(self.libelle)})


def forme(entete: str) -> str:
    """Un en-tête ou un choix ramené à ses mots : ni accent, ni casse, ni étoile, ni tiret bas."""
    # Le « * » du modèle marque une colonne obligatoire.
    return normaliser(entete.replace("_", " ").replace("*", " ").replace("°", " "))


_AVS = ("centre_social", "evs")
CHAMPS: dict[str, Champ] = {
    c.nom: c
    for c in (
        Champ(
            "type",
            "Type de structure",
            "choix",
            "type structure|categorie|type d equipement|nature|type equipement|type de service|typologie|"
            "sous categorie|ss cat|type etablissement|type d etablissement|type de lieu|equip type|equip theme|"
            "categorie d etablissement|modalite",
            choix=TYPES,
        ),
        Champ(
            "nom",
            "Nom de la structure",
            "texte",
            "nom structure|structure|etablissement|"
            "nom de l etablissement|nom etablissement|denomination|raison sociale|intitule|enseigne|"
            "equipement|nom equipement|nom de l equipement|nom usuel|nom du lieu|lieu|lib fs|equip nom|name|libelle|"
            "nom du site|nom site|nomrs|nom de la creche|nom creche",
        ),
        Champ(
            "code",
            "Code commune (Insee)",
            "code",
            "code insee|insee|code commune|code insee commune|"
            "code insee de la commune|codgeo|depcom|insee com|com insee|code com|code geo|citycode|"
            "numero insee|n insee|num insee|code commune insee|code insee com|insee commune|code cog|"
            "code officiel commune|adr codeinsee|adr code insee|com code",
            aide="5 caractères, en texte : 01004, 2A004",
        ),
        Champ(
            "commune",
            "Commune",
            "texte",
            "nom commune|nom de la commune|ville|libgeo|libcom|localite|"
            "commune d implantation|libelle commune|lib com|nom com|communes|adr commune|nom ville|municipalite",
        ),
        Champ(
            "code_postal",
            "Code postal",
            "texte",
            "cp|codpos|code postal commune|postal code|codepostal|postal|adr codepostal|adr cp|c p",
        ),
        Champ(
            "numero",
            "Numéro de voie",
            "texte",
            "numero dans la voie|num voie|numvoie|numero voie|adr numero|n voie",
        ),
        Champ(
            "adresse",
            "Adresse",
            "texte",
            "adresse postale|adresse complete|rue|voie|adresse 1|"
            "adresse de la structure|adresse structure|numero et voie|adr nomvoie|nom voie|nom de la voie|libelle voie|"
            "adresse 1|adr",
        ),
        Champ(
            "lon",
            "Longitude",
            "coordonnee",
            "longitude|lng|long|x|coord x|coordonnee x|x wgs84|lambert x|"
            "x lambert 93|x lambert93|x l93|coordx|x lambert|longitude wgs84|xcoord|geo lon|geo longitude|equip long|"
            "equip lon|coordonnee longitude|coord lon|long wgs84|lon wgs84",
        ),
        Champ(
            "lat",
            "Latitude",
            "coordonnee",
            "latitude|y|coord y|coordonnee y|y wgs84|lambert y|"
            "y lambert 93|y lambert93|y l93|coordy|y lambert|latitude wgs84|ycoord|geo lat|geo latitude|equip lat|"
            "coordonnee latitude|coord lat|lat wgs84",
        ),
        Champ(
            "point",
            "Point (latitude, longitude)",
            "point",
            "point|geo point|geo point 2d|geopoint|geo point 2d wgs84|coordonnees|coordonnees gps|gps|geolocalisation|"
            "coordonnees geographiques|latlon|lat lon|latlng|lat lng|latitude longitude|lat long|geom|geometry|"
            "geometrie|the geom|wkt|geom wkt|geo shape|geoshape|position|coordonneesxy|coordonnees xy|localisation|geo",
        ),
        Champ("precision_geocodage", "Précision du géocodage", "texte", "result type"),
        Champ("score_geocodage", "Score du géocodage", "texte", "result score"),
        Champ(
            "places",
            "Places",
            "entier",
            "nombre de places|nb places|nb de places|capacite|"
            "capacite d accueil|capacite agreee|places agreees|nombre de places agreees|capacite totale|"
            "total places|places agrement|agrement places|nombre places|capacite theorique|nbplaces|nb place|"
            "places totales|nombre de berceaux|nb berceaux|berceaux|nombre de place|nb places agreees|"
            "capacite max|capacite maximale",
            types=("eaje", "micro_creche", "alsh", ASSISTANTS),
        ),
        Champ(
            "type_accueil",
            "Type d'accueil",
            "texte",
            "mode d accueil|type accueil|type de creche|type creche|type d accueil propose",
            types=("eaje", "micro_creche"),
        ),
        Champ(
            "mode_financement",
            "Mode de financement",
            "choix",
            "financement|psu ou paje|mode de financement caf|psu paje",
            types=("eaje", "micro_creche"),
            choix=_FINANCEMENTS,
        ),
        Champ(
            "heures_facturees",
            "Heures facturées par an",
            "nombre",
            "heures facturees|nb heures facturees|nombre d heures facturees",
            types=("eaje", "micro_creche"),
        ),
        Champ(
            "heures_realisees",
            "Heures réalisées par an",
            "nombre",
            "heures realisees|nb heures realisees|"
            "heures enfants|heures enfant|nombre d heures realisees|heures",
            types=("eaje", "micro_creche", "alsh"),
        ),
        Champ(
            "temps",
            "Temps d'accueil",
            "choix",
            "temps accueil|periode|periode d accueil|temps",
            types=("alsh",),
            choix=TEMPS,
        ),
        Champ(
            "places_moins_6",
            "Places moins de 6 ans",
            "entier",
            "places 3 5 ans|moins de 6 ans|m6ans|"
            "places 6 ans|nb places moins de 6 ans|3 5 ans|maternels|places maternelles|capacite moins de 6 ans",
            types=("alsh",),
        ),
        Champ(
            "places_6_11",
            "Places 6-11 ans",
            "entier",
            "6 11 ans|places 6 a 11 ans|nb places 6 11 ans|"
            "elementaires|capacite 6 11 ans|places elementaires",
            types=("alsh",),
        ),
        Champ(
            "places_12_17",
            "Places 12-17 ans",
            "entier",
            "12 17 ans|places 12 a 17 ans|nb places 12 17 ans|ados|capacite 12 17 ans|places ados",
            types=("alsh",),
        ),
        Champ(
            "statut_agrement",
            "Agrément",
            "choix",
            "statut agrement|statut de l agrement|etat de l agrement|agree|label|labellisation|etat agrement|"
            "decision|situation de l agrement|agrement caf",
            types=(*_AVS, "laep", "rpe", "ps_jeunes", "france_services"),
            choix=AGREMENTS,
        ),
        Champ(
            "date_agrement",
            "Début de l'agrément",
            "date",
            "date agrement|date d agrement|debut agrement|"
            "date de l agrement|date debut agrement|agrement debut|date de labellisation|date label",
            types=(*_AVS, "laep", "rpe", "ps_jeunes", "france_services"),
        ),
        Champ(
            "date_fin_agrement",
            "Fin de l'agrément",
            "date",
            "fin agrement|date fin agrement|"
            "date de fin d agrement|fin d agrement|echeance agrement|agrement fin|echeance|echeance de l agrement|"
            "date d echeance|date echeance|fin de validite|date de fin de l agrement|agrement jusqu au|"
            "valable jusqu au",
            types=(*_AVS, "laep", "rpe", "ps_jeunes"),
        ),
        Champ(
            "heures_ouverture",
            "Heures d'ouverture par an",
            "nombre",
            "heures ouverture|heures d ouverture|nb heures ouverture|heures ouverture par an",
            types=("laep",),
        ),
        Champ(
            "etp",
            "ETP",
            "nombre",
            "etp animateurs|nombre d etp|equivalent temps plein|nb etp",
            types=("rpe", "ps_jeunes"),
        ),
        Champ(
            "communes_couvertes",
            "Communes couvertes (codes Insee)",
            "codes",
            "communes couvertes|zone d influence|communes desservies|territoire couvert|zone d intervention",
            types=(*_AVS, "rpe"),
            aide="codes séparés par une espace",
        ),
        Champ(
            "missions_renforcees",
            "Missions renforcées",
            "choix",
            "mission renforcee|missions renforcees rpe",
            types=("rpe",),
            choix=_MISSIONS,
        ),
        Champ(
            "format", "Format", "choix", "type fs|format fs|forme", types=("france_services",), choix=_FORMATS
        ),
        Champ(
            "jeunes_accueillis",
            "Jeunes différents accueillis par an",
            "entier",
            "jeunes accueillis|nombre de jeunes|nb jeunes",
            types=("ps_jeunes",),
        ),
        Champ(
            "agrees",
            "Assistants maternels agréés",
            "entier",
            "nombre d assistants maternels|"
            "nb assistants maternels|assistants maternels agrees|agrees|nombre d agrements|effectif|"
            "assistantes maternelles agreees|nombre|nb assmat|nombre assistants maternels|am agrees",
            types=(ASSISTANTS,),
        ),
        Champ(
            "en_exercice",
            "dont en exercice",
            "entier",
            "en exercice|en activite|actifs|assistants maternels en exercice|am en activite",
            types=(ASSISTANTS,),
        ),
        Champ(
            "gestionnaire",
            "Gestionnaire",
            "texte",
            "organisme gestionnaire|porteur|structure gestionnaire|nom du gestionnaire",
            types=TYPES_STRUCTURES,
        ),
        Champ(
            "date_ouverture",
            "Date d'ouverture",
            "date",
            "ouverture|date ouverture|date de creation|ouvert le",
            types=TYPES_STRUCTURES,
        ),
        Champ(
            "date_fermeture",
            "Date de fermeture",
            "date",
            "fermeture|date fermeture|ferme le",
            types=TYPES_STRUCTURES,
        ),
        Champ("annee", "Année", "annee", "annee de reference|millesime|exercice|date reference"),
        Champ(
            "date_maj",
            "Date de mise à jour",
            "annee",
            "date maj|dat maj|maj|mise a jour|date mise a jour|derniere mise a jour|date de modification|"
            "date modification|date de derniere mise a jour",
        ),
    )
}


# Colonnes des listes publiques et des géocodeurs : lues, jamais demandées par un modèle.
_LUES_SEULEMENT = ("numero", "point", "precision_geocodage", "score_geocodage", "date_maj")
# Un géocodeur ajoute ses colonnes à celles du fichier : elles ne servent qu'à défaut des siennes.
GEOCODAGE = {
    "result citycode": "code",
    "adr cle interop": "code",
    "cle interop": "code",
    "result city": "commune",
    "result postcode": "code_postal",
    "result label": "adresse",
    "result latitude": "lat",
    "result longitude": "lon",
    "result lat": "lat",
    "result lon": "lon",
}


def champs_de(type_structure: str) -> list[Champ]:
    """Colonnes d'un type de structure : les communes à tous, puis les siennes.

    >>> [c.nom for c in champs_de("laep")][-3:]
    ['date_ouverture', 'date_fermeture', 'annee']
    """
    sans = _LUES_SEULEMENT + (("nom", "adresse", "lon", "lat") if type_structure == ASSISTANTS else ())
    return [c for c in CHAMPS.values() if c.nom not in sans and (not c.types or type_structure in c.types)]


def choisir(champ: Champ, valeur: str) -> str | None:
    """Valeur canonique d'une liste de choix, ou None si la valeur n'y est pas.

    >>> choisir(CHAMPS["type"], "Espaces de vie sociale"), choisir(CHAMPS["temps"], "AOUT")
    ('evs', 'aout')
    """
    mot = forme(valeur)
    for cle, (libelle, autres) in (champ.choix or {}).items():
        if mot in {forme(cle), forme(libelle), *autres.split("|")} - {""}:
            return cle
    return None


ACCUEIL_INDIVIDUEL = "maison d'assistants maternels : de l'accueil individuel, pas une crèche"
_MAM = re.compile(r"\bmams?\b|\bmaisons? (d )?(assistante?s? maternel|accueil d assistante?s? maternel)")
# L'ordre compte : ce qui précède exclut ce qui suit dans le même groupe.
_MOTIFS = {
    "evs": r"\b(espaces?|et|lieu) (de )?vie sociale\b|\bevs\b",
    "centre_social": r"\bcentres? social(?:e|es)?\b|\bcentres? sociaux\b|\bcentres? socio ?culturels?\b|"
    r"\bcentre d animation sociale\b",
    "micro_creche": r"\bmicro ?creches?\b",
    "eaje": r"\bcreches?\b|\bmulti ?accueils?\b|\bhaltes? (garderies?|jeux)\b|\bhalte garderies?\b|"
    r"\bjardins? (d )?(enfants|eveil)\b|\bjardins? maternels?\b|\beaje\b|"
    r"\baccueils? (collectif|familial) (du|de|de la|des) (jeunes? enfants?|petite enfance)\b|"
    r"\betablissements? d accueil (du|de|des) jeunes? enfants?\b",
    "rpe": r"\brelais (de la )?petite enfance\b|\brelais (d |des )?(parents )?(et )?assistant|"
    r"\b(rpe|ram|ripe|rame|rpam)\b",
    "laep": r"\blieux? (d )?accueil (parents? )?enfants?( parents?)?\b|\baccueil (parents enfants|enfants parents)\b|"
    r"\blaep\b",
    "alsh": r"\b(accueils?|centres?) (de )?loisirs?\b|\b(alsh|clsh|acm)\b|\baccueils? collectifs? de mineurs\b",
    "france_services": r"\bfrance services?\b|\bmfs\b",
    "ps_jeunes": r"\bps jeunes\b|\bprestation de service jeunes\b",
}
_EXCLUT = {"evs": "centre_social", "micro_creche": "eaje"}
# Une crèche logée dans un centre social reste une crèche : ces catégories-là se passent du nom.
_SUFFISENT = frozenset({"eaje", "micro_creche", "alsh", "rpe", "laep", "ps_jeunes"})
_SIGLE = re.compile(r"\b(?:[A-Za-z]\.){2,}(?:[A-Za-z]\b)?")


@lru_cache(maxsize=4096)
def _mots(texte: str) -> str:
    return normaliser(_SIGLE.sub(lambda m: m[0].replace(".", ""), texte))


def accueil_individuel(*textes: str) -> bool:
    """Vrai si un nom ou une catégorie désigne une maison d'assistants maternels.

    >>> accueil_individuel("MAM Les P'tits Loups"), accueil_individuel("", "Maison d'assistantes maternelles")
    (True, True)
    >>> accueil_individuel("Relais assistants maternels")
    False
    """
    return any(_MAM.search(_mots(t)) for t in textes)


def types_dits(texte: str) -> tuple[str, ...]:
    """Types que dit une catégorie ou un nom, du vocabulaire exact puis des motifs ; vide si aucun.

    >>> types_dits("Crèche"), types_dits("Lieu d'accueil enfants-parents (LAEP)"), types_dits("R.A.M.")
    (('eaje',), ('laep',), ('rpe',))
    >>> types_dits("Centre social / France Services"), types_dits("Bibliothèque")
    (('centre_social', 'france_services'), ())
    """
    exact = choisir(CHAMPS["type"], texte)
    if exact:
        return (exact,)
    mots = _mots(texte)
    if not mots or _MAM.search(mots):
        return ()
    trouves = [t for t, motif in _MOTIFS.items() if re.search(motif, mots)]
    for fin, large in _EXCLUT.items():
        if fin in trouves and large in trouves:
            trouves.remove(large)
    return tuple(trouves)


def types_de(nom: str, categorie: str = "") -> tuple[str, ...]:
    """Types d'une structure d'une liste publique ; le nom corrige la catégorie.

    >>> types_de("Espace de vie sociale CantoJeunes", "Centre Social")
    ('evs',)
    >>> types_de("CS de Beaufort-en-Anjou", "Centre Social / France Services")
    ('centre_social', 'france_services')
    >>> types_de("Crèche du centre social", "Multi-accueil"), types_de("MAM Les P'tits Loups", "Crèche")
    (('eaje',), ())
    """
    if accueil_individuel(nom, categorie):
        return ()
    du_nom = [t for t in types_dits(nom) if t != ASSISTANTS]
    dits = [t for t in types_dits(categorie) if t != ASSISTANTS]
    for fin, large in _EXCLUT.items():
        if fin in du_nom and large in dits:
            dits[dits.index(large)] = fin
            du_nom = [t for t in du_nom if t != large]
    if dits and set(dits) <= _SUFFISENT:
        du_nom = []
    for fin, large in _EXCLUT.items():
        if fin in {*du_nom, *dits} and large not in dits:
            du_nom = [t for t in du_nom if t != large]
    return tuple(t for t in _MOTIFS if t in {*du_nom, *dits})


# --- Lire une valeur ---


TEXTE_MAX = 300
PLACES_MAX = 5000
_DANGER = ("=", "+", "-", "@")
_DATES = (
    re.compile(r"(?P<a>\d{4})-(?P<m>\d\d?)-(?P<j>\d\d?)(?:[T ]00:00(?::00)?)?"),
    re.compile(r"(?P<j>\d\d?)[/.\-](?P<m>\d\d?)[/.\-](?P<a>\d{4})"),
)


def neutraliser(texte: str) -> str:
    """Texte qui ne peut plus être pris pour une formule par le tableur qui rouvrira nos tables.

    >>> neutraliser("=HYPERLINK(1)"), neutraliser("@telier"), neutraliser("'=1"), neutraliser("Crèche")
    ("'=HYPERLINK(1)", "'@telier", "'=1", 'Crèche')
    """
    nu = texte.lstrip("'’ ")
    return f"'{nu}" if nu.startswith(_DANGER) else texte


def lire_date(texte: str) -> dt.date | None:
    """Date écrite JJ/MM/AAAA ou AAAA-MM-JJ ; None si elle n'est pas sûre (année à deux chiffres, mois 13).

    >>> lire_date("31/12/2024"), lire_date("2024-12-31"), lire_date("12/31/2024"), lire_date("01/02/24")
    (datetime.date(2024, 12, 31), datetime.date(2024, 12, 31), None, None)
    """
    for forme in _DATES:
        trouve = forme.fullmatch(texte)
        if trouve:
            try:
                date = dt.date(int(trouve["a"]), int(trouve["m"]), int(trouve["j"]))
            except ValueError:
                return None
            return date if 1900 <= date.year <= 2100 else None
    return None


def lire(champ: Champ, serie: pd.Series) -> tuple[pd.Series, list[tuple]]:
    """Lit une colonne selon le genre de son champ.

    Returns
    -------
    valeurs : Series
        Même index ; manquant si vide ou fautif.
    defauts : list of tuple
        (index, champ, valeur, attendu).
    """
    sans_valeur = serie.eq(SANS_VALEUR)
    defauts = [
        (i, champ.nom, "formule", "une valeur (la formule n'a pas été calculée par le tableur)")
        for i in serie.index[sans_valeur]
    ]
    valeurs, autres = _LECTURES[champ.genre](champ, serie.mask(sans_valeur, ""))
    return valeurs, defauts + autres


def _textes(champ: Champ, serie: pd.Series):
    vides = serie.str.lower().isin(nettoyage.MANQUANTS - {"na", "so", "nc", "nd", "nr", "ns"})
    trop = serie.str.len().gt(TEXTE_MAX)
    defauts = [
        (i, champ.nom, serie[i][:40] + "…", f"au plus {TEXTE_MAX} caractères") for i in serie.index[trop]
    ]
    erreurs = serie.str.fullmatch(r"#(?:REF|NOM|NAME|VALEUR|VALUE|DIV/0|NUM|NULL|NOMBRE)[!?]?")
    defauts += [
        (i, champ.nom, serie[i], "un texte (le tableur a rendu une erreur)")
        for i in serie.index[erreurs.fillna(False)]
    ]
    return serie.map(neutraliser).mask(vides | trop).astype("str"), defauts


def _nombres(champ: Champ, serie: pd.Series):
    valeurs, statut = nettoyage.nombre(serie)
    ambigus = serie.str.fullmatch(nettoyage.MILLIERS_OU_DECIMALES.pattern) if len(serie) else serie.astype(bool)
    faux = statut.eq("illisible") | valeurs.lt(0)
    defauts = [(i, champ.nom, serie[i], "un nombre positif, comme 1 234,5") for i in serie.index[faux]]
    defauts += [
        (i, champ.nom, serie[i], "un nombre sans équivoque : ni point ni virgule avant trois chiffres")
        for i in serie.index[ambigus & ~faux]
    ]
    return valeurs.mask(faux | ambigus), defauts


def _entiers(champ: Champ, serie: pd.Series):
    valeurs, statut = nettoyage.nombre(serie)
    faux = statut.eq("illisible") | valeurs.lt(0) | (valeurs.notna() & valeurs.mod(1).ne(0))
    faux |= valeurs.gt(PLACES_MAX)
    defauts = [(i, champ.nom, serie[i], f"un nombre entier, de 0 à {PLACES_MAX}") for i in serie.index[faux]]
    return valeurs.mask(faux).astype("Int64"), defauts


def _dates(champ: Champ, serie: pd.Series):
    # Un agrément s'écrit souvent par ses années : du premier jour de l'une au dernier de l'autre.
    for nom, jour in (("date_agrement", "01/01/"), ("date_fin_agrement", "31/12/")):
        if champ.nom == nom:
            serie = serie.str.replace(r"^((?:19|20)\d\d)$", jour + r"\1", regex=True)
    lues = {i: lire_date(v) for i, v in serie.items()}
    vides = serie.str.lower().isin(nettoyage.MANQUANTS)
    defauts = [
        (i, champ.nom, serie[i], "une date, comme 31/12/2024") for i in serie.index[~vides] if lues[i] is None
    ]
    return pd.Series(
        pd.to_datetime([lues[i] for i in serie.index]), index=serie.index, dtype="datetime64[us]"
    ), defauts


def _annees(champ: Champ, serie: pd.Series):
    valeurs, raisons = nettoyage.annee(serie)
    vides = serie.str.lower().isin(nettoyage.MANQUANTS)
    defauts = [
        (i, champ.nom, serie[i], "une année, comme 2024") for i in serie.index[raisons.ne("") & ~vides]
    ]
    futures = valeurs.gt(dt.date.today().year).fillna(False)
    defauts += [(i, champ.nom, serie[i], "une année déjà commencée") for i in serie.index[futures]]
    return valeurs.mask(futures), defauts


def _choix(champ: Champ, serie: pd.Series):
    lus = {v: choisir(champ, v) for v in serie.unique()}
    permis = champ.choix or {}
    attendu = ", ".join(permis if champ.nom == "type" else (libelle for libelle, _ in permis.values()))
    defauts = [
        (i, champ.nom, v, attendu)
        for i, v in serie.items()
        if lus[v] is None and v.lower() not in nettoyage.MANQUANTS
    ]
    return pd.Series([lus[v] for v in serie], index=serie.index, dtype="str"), defauts


def _codes(champ: Champ, serie: pd.Series):
    defauts, lues = [], {}
    for i, texte in serie.items():
        # Une liste de codes séparés par des points-virgules, des barres ou des espaces.
        jetons = [j for j in re.split(r"[\s,;/|]+", texte) if j]
        codes = nettoyage.code_commune(pd.Series(jetons, dtype="str"))
        actuels = a_jour(codes.valeurs, cog=millesime("geographie.communes"))["code_actuel"]
        mauvais = [j for j, c in zip(jetons, actuels, strict=True) if pd.isna(c)]
        if mauvais:
            defauts.append((i, champ.nom, " ".join(mauvais), "des codes commune, comme 53084 53012"))
        lues[i] = " ".join(dict.fromkeys(actuels.dropna())) or None
    return pd.Series(lues, dtype="str").reindex(serie.index), defauts


_LECTURES = {
    "texte": _textes,
    "nombre": _nombres,
    "entier": _entiers,
    "date": _dates,
    "annee": _annees,
    "choix": _choix,
    "codes": _codes,
}
