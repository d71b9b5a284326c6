"""Le fil entre un carnet et son noyau dupliqué : des trames JSON, chacune précédée de sa longueur.

JSON et non pickle : ce qu'un carnet affiche ne doit rien pouvoir exécuter chez celui qui l'attend.
"""

from __future__ import annotations

import json
import socket
import struct
from datetime import datetime

_ENTETE = struct.Struct("!II")  # longueur du JSON, nombre de tampons binaires


def _en_json(objet: object) -> object:
    """Dates, octets, nombres de numpy, ensembles : comme un noyau ordinaire ; le reste par son écriture."""
    if isinstance(objet, datetime):
        return objet.isoformat()
    from jupyter_client.jsonutil import json_default

    try:
        return json_default(objet)
    except TypeError:
        return str(objet)


def envoyer(fil: socket.socket, message: dict, tampons: list | None = None) -> None:
    """Envoie un message et ses tampons binaires (ceux des widgets)."""
    texte = json.dumps(message, ensure_ascii=False, default=_en_json).encode("utf-8", "replace")
    tampons = [bytes(t) for t in tampons or ()]
    fil.sendall(_ENTETE.pack(len(texte), len(tampons)) + texte)
    for tampon in tampons:
        fil.sendall(_ENTETE.pack(len(tampon), 0) + tampon)


def recevoir(fil: socket.socket) -> tuple[dict, list[bytes]] | None:
    """Le prochain message et ses tampons ; None si l'autre bout est fermé, même au milieu d'une trame.

    Examples
    --------
    >>> ici, la_bas = socket.socketpair()
    >>> envoyer(ici, {"valeur": "été"}, [b"x"])
    >>> recevoir(la_bas)
    ({'valeur': 'été'}, [b'x'])
    >>> ici.close()
    >>> recevoir(la_bas) is None
    True
    >>> la_bas.close()
    """
    entete = _lire(fil, _ENTETE.size)
    if entete is None:
        return None
    taille, nombre = _ENTETE.unpack(entete)
    texte = _lire(fil, taille)
    tampons = []
    for _ in range(nombre):
        entete = _lire(fil, _ENTETE.size)
        tampon = None if entete is None else _lire(fil, _ENTETE.unpack(entete)[0])
        if tampon is None:
            return None
        tampons.append(tampon)
    if texte is None:
        return None
    return json.loads(texte.decode("utf-8")), tampons


def _lire(fil: socket.socket, taille: int) -> bytes | None:
    recu = bytearray()
    while len(recu) < taille:
        try:
            morceau = fil.recv(min(taille - len(recu), 1 << 20))
        except ConnectionResetError:
            return None
        if not morceau:
            return None
        recu += morceau
    return bytes(recu)
