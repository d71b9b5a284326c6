"""Lire un texte délimité (CSV) sans perdre une ligne, au fil de l'eau quand le fichier le permet."""

from __future__ import annotations

import contextlib
import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from cafdiag.donnees import octets
from cafdiag.donnees.compte_rendu import Brut, Rejet
from cafdiag.donnees.entetes import Choix, choisir, est_une_note, nommer, trouver_entete
from cafdiag.donnees.examen import Examen, examiner
from cafdiag.erreurs import EntreeFautive

_SEPARATEURS = ";,\t|"
_DEBUT = 200
_APERCU = 1 << 17
_RIEN = re.compile(rb'[;,|"\s]*')


class _PasUnNombre(Exception):
    """Une colonne annoncée numérique ne l'est pas partout."""


@dataclass(frozen=True)
class Forme:
    """Séparateur, rang (depuis 1) de la ligne d'en-tête, noms des colonnes, remarques."""

    separateur: str
    ligne: int
    noms: list[str]
    nommees: int
    remarques: list[str]


def _rangs(texte: str, separateur: str) -> list[tuple[int, list[str]]]:
    lecteur = csv.reader(io.StringIO(texte), delimiter=separateur)
    resultat, fin = [], 0
    with contextlib.suppress(csv.Error):
        for rang in lecteur:
            resultat.append((fin + 1, rang))
            fin = lecteur.line_num
    return resultat


def _choisir(texte: str) -> tuple[str, list[tuple[int, list[str]]]] | None:
    """Le séparateur qui découpe le plus de lignes en autant de champs, et ces lignes ; None s'il n'y en a pas."""
    extrait = "\n".join(texte.split("\n")[:_DEBUT])
    meilleur, note_max = None, 0.0
    for separateur in filter(extrait.__contains__, _SEPARATEURS):
        rangs = [(n, r) for n, r in _rangs(extrait, separateur) if any(c.strip() for c in r)]
        tailles = Counter(len(r) for _, r in rangs)
        if not tailles:
            continue
        taille, nombre = max(tailles.items(), key=lambda t: (t[1], t[0]))
        note = nombre / len(rangs) * np.log2(taille)
        premier = next(r for _, r in rangs if len(r) == taille)
        # « 48,07;-0,77 » se découpe aussi à la virgule : l'en-tête, lui, ne se découpe que d'une façon.
        if any(autre in case for case in premier for autre in _SEPARATEURS if autre != separateur):
            note /= 4
        if note > note_max:
            meilleur, note_max = (separateur, rangs), note
    return meilleur


def trouver_separateur(texte: str) -> str:
    """Séparateur d'un texte délimité, quel que soit ce qui précède l'en-tête ; « ; » s'il n'a qu'une colonne.

    >>> trouver_separateur("Liste, mise à jour le 12/03, source : PMI, Caf\\ntype;nom\\neaje;A\\n")
    ';'
    """
    choisi = _choisir(texte)
    return choisi[0] if choisi else ";"


def trouver_forme(debut: str, fichier: str) -> Forme:
    """Séparateur et en-tête d'un texte délimité, d'après son début."""
    choisi = _choisir(debut)
    if choisi is None:
        raise EntreeFautive(fichier, ["une seule colonne : aucun séparateur (; , tabulation |) trouvé"],
                            attendu="un CSV", conseil="enregistrez-le au format « CSV UTF-8 »")
    separateur, rangs = choisi
    i = trouver_entete([r for _, r in rangs], fichier)
    ligne, entete = rangs[i]
    entete, donnees = list(entete), [r for _, r in rangs[i + 1:]]
    if donnees:
        tailles = Counter(map(len, donnees))
        courante = max(tailles, key=lambda t: (tailles[t], t))
        surplus = [r for r in donnees if len(r) == courante]
        # Un séparateur de trop au bout de chaque ligne (ou de l'en-tête seul) ne décale rien.
        if courante > len(entete) and not any(c.strip() for r in surplus for c in r[len(entete):]):
            entete += [""] * (courante - len(entete))
        while len(entete) > courante and not entete[-1].strip():
            entete.pop()
    noms, remarques = nommer(entete)
    nommees = max((k + 1 for k, c in enumerate(entete) if c.strip()), default=0)
    if ligne > 1:
        remarques.insert(0, f"{ligne - 1} ligne(s) d'habillage ôtée(s) avant l'en-tête")
    return Forme(separateur, ligne, noms, nommees, remarques)


def lire(src: octets.Fichier, *, colonnes: Choix = None, limite: int | None = None, nombres: Choix = ()) -> Brut:
    """Lit un texte délimité en textes ; voir :func:`cafdiag.donnees.tableurs.lire_tableau`."""
    fichier = src.chemin.name
    if limite is not None:
        with octets.lisible(src.chemin), src.ouvrir() as flux:
            debut = flux.read(_APERCU)
        # Un caractère coupé en deux à la fin du bloc ferait croire à du Windows-1252.
        if len(debut) == _APERCU:
            debut = debut[: max(debut.rfind(b"\n"), debut.rfind(b"\r")) + 1]
        texte, remarques = octets.decoder(debut)
        return _en_memoire(_normaliser(texte), fichier, colonnes, remarques, limite)
    examen = examiner(src)
    if examen.simple:
        texte = examen.debut.decode("utf-8", errors="ignore").removeprefix("\ufeff").replace("\r\n", "\n")
        forme = trouver_forme(texte, fichier)
        with octets.lisible(src.chemin):
            if nombres is not None and choisir(forme.noms, nombres):
                with contextlib.suppress(pa.ArrowInvalid, _PasUnNombre):
                    return _au_fil(src, forme, colonnes, examen, nombres=nombres)
            return _au_fil(src, forme, colonnes, examen)
    texte, remarques = octets.decoder(src.tout())
    return _en_memoire(_normaliser(texte), fichier, colonnes, remarques, None)


def lire_lignes(src: octets.Fichier) -> list[tuple[int, list[str]]]:
    """Toutes les lignes et leur numéro, sans chercher d'en-tête : le petit fichier d'un usager.

    Raises
    ------
    EntreeFautive
        Ce n'est pas du texte, ou un guillemet est mal fermé, ou la fin du fichier manque.
    """
    fichier = src.chemin.name
    texte = octets.decoder(src.tout())[0]
    if "\0" in texte or texte.lstrip().startswith("<"):
        raise EntreeFautive(fichier, ["ce n'est pas un tableau"], attendu="un CSV (UTF-8 ou Windows)")
    texte = _normaliser(texte)
    lues = [(debut, rang) for debut, _, rang in
            _enregistrements(texte, trouver_separateur(texte[: octets.DEBUT]), fichier, strict=True)]
    tailles = Counter(len(rang) for _, rang in lues)
    if lues:
        ligne, cases = lues[-1]
        _refuser_si_coupe(fichier, ligne, cases, max(tailles, key=lambda t: tailles[t]),
                          sans_fin=not texte.endswith("\n"))
    return lues


def _refuser_si_coupe(fichier: str, ligne: int, cases: list[str], attendus: int, *, sans_fin: bool) -> None:
    """Une dernière ligne sans fin et plus courte que les autres a perdu son bout : ni une note, ni des cases vides."""
    if sans_fin and 1 < len(cases) < attendus and "".join(cases).strip() and not est_une_note(cases[0]):
        raise EntreeFautive(fichier, [f"fichier coupé : la dernière ligne ({ligne}) est incomplète"],
                            attendu="un fichier entier", conseil="retéléchargez-le, ou enregistrez-le de nouveau")


def _normaliser(texte: str) -> str:
    texte = texte.replace("\r\n", "\n")
    if "\n" not in texte:
        texte = texte.replace("\r", "\n")
    # Un octet abîmé ne doit jamais devenir une espace de milliers ni couper une ligne.
    return texte.replace("\r", "\ufffd").replace("\0", "\ufffd")


def _au_fil(src: octets.Fichier, forme: Forme, colonnes: Choix, examen: Examen, *, nombres: Choix = ()) -> Brut:
    voulues = choisir(forme.noms[: forme.nommees], colonnes)
    chiffres = {f"c{i}" for i in choisir(forme.noms, nombres)}
    internes = [f"c{i}" for i in range(len(forme.noms))]
    prises = [internes[i] for i in voulues] or internes[:1]
    rejets: list[Rejet] = []
    sans_rien: list[int] = []
    dernier = ""

    def mal_formee(rang) -> str:
        nonlocal dernier
        dernier = rang.text
        if not dernier.replace(forme.separateur, "").strip():
            sans_rien.append(rang.number)
        else:
            rejets.append(rejet_de_forme(rang.number, rang.actual_columns, rang.expected_columns, dernier))
        return "skip"

    # Sans fil d'exécution ni lecture d'avance : à peine plus lent, et trois fois moins de mémoire.
    with src.ouvrir() if src.compression else pa.OSFile(str(src.chemin)) as flux:
        lecture, analyse, conversion = options_de_lecture(forme, prises, mal_formee, chiffres)
        table = pa_csv.read_csv(flux, read_options=lecture, parse_options=analyse, convert_options=conversion)
    lignes = np.arange(forme.ligne + 1, forme.ligne + 1 + table.num_rows + len(rejets) + len(sans_rien))
    if rejets and rejets[-1].ligne == lignes[-1]:
        _refuser_si_coupe(src.chemin.name, rejets[-1].ligne, next(csv.reader([dernier], delimiter=forme.separateur)),
                          len(forme.noms), sans_fin=examen.sans_fin)
    lignes = np.setdiff1d(lignes, [*(r.ligne for r in rejets), *sans_rien], assume_unique=True)
    vides = lignes[_tout_vide(table)]
    # Chaque colonne Arrow est rendue dès qu'elle est copiée : jamais deux tables entières à la fois.
    arrow = {nom: table.column(nom) for nom in table.column_names}
    del table
    brut = Brut(_en_pandas(arrow, voulues, forme, bords=examen.bords), lignes, forme.noms[: forme.nommees], rejets,
                list(forme.remarques), src.chemin.name)
    if len(vides):
        _oter(brut, _lignes_sans_rien(src, set(vides.tolist())), "ligne(s) vide(s) ôtée(s)")
    return _sans_notes(_sans_entete_repete(brut, voulues))


def options_de_lecture(forme: Forme, prises: list[str], mal_formee: Callable, chiffres: Collection[str] = (),
                       ) -> tuple[pa_csv.ReadOptions, pa_csv.ParseOptions, pa_csv.ConvertOptions]:
    """Les réglages d'Arrow pour ces colonnes (``c0``, ``c1``…), sans fil d'exécution ni lecture d'avance."""
    return (
        pa_csv.ReadOptions(use_threads=False, block_size=1 << 20, skip_rows=forme.ligne,
                           column_names=[f"c{i}" for i in range(len(forme.noms))]),
        pa_csv.ParseOptions(delimiter=forme.separateur, ignore_empty_lines=False, invalid_row_handler=mal_formee),
        pa_csv.ConvertOptions(
            include_columns=prises, null_values=[""],
            column_types={c: pa.float64() if c in chiffres else pa.large_string() for c in prises},
            strings_can_be_null=False, quoted_strings_can_be_null=False),
    )


def _en_pandas(arrow: dict[str, pa.ChunkedArray], voulues: list[int], forme: Forme, *, bords: bool) -> pd.DataFrame:
    donnees, nombre_lignes = {}, len(next(iter(arrow.values())))
    for i in voulues:
        textes = arrow.pop(f"c{i}")
        if pa.types.is_floating(textes.type):
            donnees[forme.noms[i]] = lus = textes.to_pandas()
            if np.isinf(lus).any() or bool(pc.any(pc.is_nan(textes)).as_py()):
                raise _PasUnNombre  # « inf » et « nan » s'écrivent comme des nombres et n'en sont pas
            continue
        if bords:
            textes = pc.utf8_trim_whitespace(textes)
        donnees[forme.noms[i]] = pd.Series(pd.array(textes, dtype="str"))
    return pd.DataFrame(donnees, index=pd.RangeIndex(nombre_lignes), copy=False)


def _tout_vide(table: pa.Table) -> np.ndarray:
    vide = np.ones(table.num_rows, dtype=bool)
    for colonne in table.columns:
        if vide.any():
            if pa.types.is_floating(colonne.type):
                vide &= pc.is_null(colonne).to_numpy()
                continue
            vide &= pc.equal(pc.utf8_trim_whitespace(colonne), "").to_numpy()
    return vide


def _lignes_sans_rien(src: octets.Fichier, numeros: set[int]) -> set[int]:
    """Parmi ces lignes, celles qui n'ont vraiment rien : les autres sont des données sans valeur ici."""
    with src.ouvrir() as flux:
        return {n for n, ligne in enumerate(flux, start=1)
                if n in numeros and _RIEN.fullmatch(ligne.rstrip(b"\r\n"))}


def _oter(brut: Brut, numeros: set[int], motif: str) -> None:
    if numeros:
        garde = ~np.isin(brut.lignes, sorted(numeros))
        brut.table = brut.table[garde].reset_index(drop=True)
        brut.lignes = brut.lignes[garde]
        brut.remarques.append(f"{len(numeros)} {motif}")


def _sans_entete_repete(brut: Brut, voulues: list[int]) -> Brut:
    if brut.table.shape[1] >= 2:
        noms = [brut.entete[i] for i in voulues]
        repete = np.ones(len(brut.table), dtype=bool)
        for nom in noms:
            if repete.any():
                repete &= (brut.table[nom] == re.sub(r" \(\d+\)$", "", nom)).to_numpy(dtype=bool)
        _oter(brut, set(brut.lignes[repete].tolist()), "en-tête(s) répété(s) ôté(s)")
    return brut


def _sans_notes(brut: Brut) -> Brut:
    """Ôte, et dit, les notes sous le tableau : une case seule, la première ; comme dans un classeur."""
    notes = 0
    derniere = int(brut.lignes[-1]) if len(brut.lignes) else 0
    while brut.rejets and brut.rejets[-1].ligne > derniere and brut.rejets[-1].raison.startswith("1 champ ") \
            and est_une_note(brut.rejets[-1].valeur):
        brut.rejets.pop()
        notes += 1
    if list(brut.table) == brut.entete and len(brut.entete) >= 3:
        reste = len(brut.table)
        while reste and _est_une_note(brut.table.iloc[reste - 1].tolist()):
            reste -= 1
        notes += len(brut.table) - reste
        brut.table, brut.lignes = brut.table[:reste], brut.lignes[:reste]
    if notes:
        brut.remarques.append(f"{notes} ligne(s) de notes ôtée(s) sous le tableau")
    return brut


def _est_une_note(cases: list) -> bool:
    # Une colonne lue en nombres est manquante là où il n'y a rien : elle n'égale pas elle-même.
    return isinstance(cases[0], str) and est_une_note(cases[0]) and all(v == "" or v != v for v in cases[1:])


def rejet_de_forme(ligne: int, trouves: int, attendus: int, texte: str) -> Rejet:
    return Rejet(ligne, f"{trouves} champ{'s' if trouves > 1 else ''} au lieu de {attendus}", texte[:80])


def _en_memoire(texte: str, fichier: str, colonnes: Choix, remarques: list[str],
                limite: int | None) -> Brut:
    forme = trouver_forme(texte[: 1 << 20], fichier)
    voulues = choisir(forme.noms[: forme.nommees], colonnes)
    valeurs: list[list[str]] = [[] for _ in voulues]
    lignes: list[int] = []
    rejets: list[Rejet] = []
    debut = vides = 0
    rang: list[str] = []
    for debut, fin, rang in _enregistrements(texte, forme.separateur, fichier):
        if debut <= forme.ligne:
            continue
        if not any(c.strip() for c in rang):
            vides += 1
            continue
        if limite is not None and len(lignes) >= limite:
            break
        if len(rang) != len(forme.noms):
            if fin > debut:
                raise EntreeFautive(
                    fichier, [f"lignes {debut} à {fin} : guillemet ouvert et mal refermé"],
                    conseil="corrigez le guillemet de trop, ou retéléchargez le fichier")
            rejets.append(rejet_de_forme(debut, len(rang), len(forme.noms), forme.separateur.join(rang)))
            continue
        lignes.append(debut)
        for colonne, i in zip(valeurs, voulues, strict=True):
            colonne.append(rang[i].strip())
    if limite is None:
        _refuser_si_coupe(fichier, debut, rang, len(forme.noms), sans_fin=not texte.endswith("\n"))
    table = pd.DataFrame({forme.noms[i]: v for i, v in zip(voulues, valeurs, strict=True)},
                         index=pd.RangeIndex(len(lignes)), dtype="str")
    brut = Brut(table, np.array(lignes, dtype=int), forme.noms[: forme.nommees], rejets,
                remarques + forme.remarques, fichier)
    if vides:
        brut.remarques.append(f"{vides} ligne(s) vide(s) ôtée(s)")
    return _sans_notes(_sans_entete_repete(brut, voulues))


def _enregistrements(texte: str, separateur: str, fichier: str, *, strict: bool = False,
                     ) -> Iterator[tuple[int, int, list[str]]]:
    lecteur = csv.reader(io.StringIO(texte, newline="\n"), delimiter=separateur, strict=strict)
    fin = 0
    try:
        for rang in lecteur:
            yield fin + 1, lecteur.line_num, rang
            fin = lecteur.line_num
    except csv.Error as cause:
        que = "du texte après un guillemet fermant" if "expected after" in str(cause) else "guillemet jamais refermé"
        raise EntreeFautive(
            fichier, [f"vers la ligne {fin + 1} : {que}"],
            attendu="un CSV bien formé", conseil="corrigez ce guillemet, ou réenregistrez le fichier") from cause
