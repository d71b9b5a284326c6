"""Un seul passage sur un fichier : son empreinte, ses enregistrements, ce qu'il a d'anormal."""

from __future__ import annotations

import csv
import hashlib
import io

from hypothesis import given
from hypothesis import strategies as st

from cafdiag.donnees import empreintes, examen
from cafdiag.donnees.examen import Examinateur

MORCEAUX = st.lists(st.sampled_from(["a", "1", ";", ",", '"', "\n", "\r\n", "\r", " ", "é", "Ã©", "\n\n", "\0"]),
                    max_size=40)


def passer(octets: bytes, taille: int):
    """L'examen d'octets arrivés par blocs de cette taille."""
    vu = Examinateur()
    for i in range(0, len(octets), taille):
        vu.voir(octets[i:i + taille])
    return vu.rendre()


@given(MORCEAUX, st.integers(1, 9))
def test_le_compte_est_celui_du_module_csv(morceaux, taille):
    texte = "code;nom\n" + "".join(morceaux)
    vu = passer(texte.encode(), taille)
    assert vu.empreinte == hashlib.sha256(texte.encode()).hexdigest()
    if vu.enregistrements is None or not vu.voisins <= set(b";\r\n"):
        return
    lus = [ligne for ligne in csv.reader(io.StringIO(texte, newline=""), delimiter=";") if ligne]
    assert vu.enregistrements == len(lus) - 1
    assert vu.sans_fin == (bool(vu.enregistrements) and not texte.endswith("\n"))


@given(MORCEAUX, st.integers(1, 9))
def test_peu_importe_ou_les_blocs_se_coupent(morceaux, taille):
    octets = ("code;nom\n" + "".join(morceaux)).encode()
    entier, coupe = passer(octets, len(octets)), passer(octets, taille)
    assert (entier.enregistrements, entier.sans_fin, entier.voisins) == (
        coupe.enregistrements, coupe.sans_fin, coupe.voisins)
    # Une espace en fin de bloc borde peut-être un champ : le doute profite à la lecture prudente.
    assert coupe.bords or not entier.bords or not entier.simple


def test_ce_qui_empeche_une_lecture_au_fil_de_l_eau():
    sain = "code;nom\n1;Évron\n2;\"Laval; ville\"\n"
    assert passer(sain.encode(), 7).simple
    for faux in ("1;a\0\n", "1;a\r2;b\n", '1;"a\n2;b"\n', "1;ChÃ¢teau\n"):
        assert not passer((sain + faux).encode(), 1 << 20).simple, faux
    assert not passer(sain.encode("cp1252"), 7).simple


def test_une_empreinte_gardee_suit_le_fichier(tmp_path):
    chemin = tmp_path / "gros.csv"
    chemin.write_bytes(b"a;b\n" + b"1;2\n" * 300_000)
    examen.examiner_tout(chemin)
    for suite in (b"3;4\n", b"5;6\n"):
        with chemin.open("ab") as flux:
            flux.write(suite)
        assert empreintes.empreinte(chemin) == hashlib.sha256(chemin.read_bytes()).hexdigest()
        assert examen.examiner_tout(chemin).enregistrements == chemin.read_bytes().count(b"\n") - 1
    renomme = chemin.rename(tmp_path / "autre.csv")
    assert empreintes.marque(renomme) in empreintes._CONNUES
