"""The tables of a faceset file, and how a file of an older version comes to have them."""

import sqlite3

__all__ = ["APPLICATION_ID", "VERSION", "create_tables", "migrate"]

APPLICATION_ID = 0x46504653  # "FPFS", in SQLite's own header field for it
VERSION = 2

_FACES = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE faces (
    id INTEGER PRIMARY KEY,
    source TEXT NOT NULL,             -- the plate's pattern
    frame INTEGER NOT NULL,
    person INTEGER NOT NULL,
    face_type TEXT NOT NULL,
    size INTEGER NOT NULL,
    yaw REAL NOT NULL, pitch REAL NOT NULL, roll REAL NOT NULL,
    confidence REAL NOT NULL,
    sharpness REAL NOT NULL,
    keep INTEGER NOT NULL DEFAULT 1,
    made_from TEXT NOT NULL,          -- sha256 of all that the face was made from
    sha256 TEXT NOT NULL,             -- of the row's pictures and numbers
    landmarks TEXT NOT NULL,          -- JSON, crop pixels
    plate_landmarks TEXT NOT NULL,    -- JSON, plate pixels
    plate_to_crop TEXT NOT NULL,      -- JSON, 2 x 3
    image BLOB NOT NULL,              -- 16-bit RGB PNG, working encoding
    mask BLOB NOT NULL,               -- 8-bit grey PNG
    UNIQUE (source, frame, person)
);
-- Holds all that a long list of faces is asked for, so that no page of a picture is read for it.
CREATE INDEX faces_listed ON faces (source, frame, person, keep, sha256, yaw, pitch, roll);
"""

_SINCE_2 = (
    """
CREATE TABLE labels (
    face INTEGER PRIMARY KEY REFERENCES faces (id) ON DELETE CASCADE,
    polygons TEXT NOT NULL            -- JSON, crop pixels
)""",
    """
CREATE TABLE features (               -- measured by `faceset features`
    face INTEGER PRIMARY KEY REFERENCES faces (id) ON DELETE CASCADE,
    sha256 TEXT NOT NULL,             -- of the face that was measured
    method INTEGER NOT NULL,          -- version of the measuring
    size REAL NOT NULL,               -- side of the face in its plate, pixels
    blur REAL NOT NULL, motion_blur REAL NOT NULL,
    brightness REAL NOT NULL, hue REAL NOT NULL, black REAL NOT NULL,
    mouth_open REAL NOT NULL, mouth_wide REAL NOT NULL,
    eyes_open REAL NOT NULL, brows_up REAL NOT NULL,
    fingerprint BLOB NOT NULL,        -- 64 bits: the perceptual hash
    histogram BLOB NOT NULL,          -- uint16, 3 x 64
    look BLOB NOT NULL                -- float16: turn of the head, then 8 x 8 x 3 of appearance
)""",
    """
CREATE INDEX features_listed ON features (
    face, sha256, method, size, blur, motion_blur, brightness, hue, black,
    mouth_open, mouth_wide, eyes_open, brows_up
)""",
    """
CREATE TABLE embeddings (             -- identity, by a network
    face INTEGER NOT NULL REFERENCES faces (id) ON DELETE CASCADE,
    card TEXT NOT NULL,
    sha256 TEXT NOT NULL,             -- of the face that was seen
    vector BLOB NOT NULL,             -- float16
    PRIMARY KEY (face, card)
)""",
    """
CREATE TABLE log (
    id INTEGER PRIMARY KEY,
    at TEXT NOT NULL,                 -- UTC, ISO 8601
    what TEXT NOT NULL,
    faces INTEGER NOT NULL,
    state TEXT NOT NULL               -- done, undone, or final: it cannot be undone
)""",
    """
CREATE TABLE changes (                -- what an entry of the log changed, as it was before
    entry INTEGER NOT NULL REFERENCES log (id) ON DELETE CASCADE,
    face INTEGER NOT NULL,
    field TEXT NOT NULL,              -- keep, polygons or mask
    before,                           -- text, or the PNG of a mask
    PRIMARY KEY (entry, face, field)
) WITHOUT ROWID""",
)


def create_tables(connection: sqlite3.Connection) -> None:
    """Make the tables of an empty file."""
    connection.executescript(_FACES)
    for statement in _SINCE_2:
        connection.execute(statement)
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {VERSION}")


def migrate(connection: sqlite3.Connection) -> None:
    """Bring a file of version 1 up to date, all or nothing; one that is stays as it is.

    Several processes may try at once: the first does it, the others find it done.
    """
    if _version(connection) == VERSION:
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        if _version(connection) < VERSION:
            for statement in _SINCE_2:
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {VERSION}")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])
