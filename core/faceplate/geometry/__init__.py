"""Template, similarity, face types, warps, mattes from landmarks, pose. Knows no files."""
