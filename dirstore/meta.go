package dirstore

import (
	"encoding/json"
	"os"
	"path"

	"example.com/rotatelog"
)

// sidecar is the file that holds the metadata of one version. It is written before
// the version gets its name and removed after the next version has its own, so that
// no crash separates the two.
type sidecar struct {
	Key  string            `json:"key"` // for people
	Meta map[string]string `json:"meta"`
}

func sidecarName(key string, v rotatelog.Version) string {
	return path.Join(metaDir, hashOf(key), string(v)+".json")
}

func (s *openDir) readMeta(key string, v rotatelog.Version) (map[string]string, error) {
	b, err := s.root.ReadFile(sidecarName(key, v))
	if err != nil {
		return nil, err
	}
	var c sidecar
	if json.Unmarshal(b, &c) != nil {
		return nil, nil // somebody edited it; a Store may lose metadata
	}
	return c.Meta, nil
}

func (s *openDir) writeMeta(key string, v rotatelog.Version, meta map[string]string) error {
	if len(meta) == 0 {
		return nil
	}
	b, err := json.Marshal(sidecar{key, meta})
	if err != nil {
		return err
	}
	name := sidecarName(key, v)
	if err := s.root.MkdirAll(path.Dir(name), 0o700); err != nil {
		return err
	}
	f, err := s.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.Write(b); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	return s.syncDirs(path.Dir(name))
}

// dropMeta removes the metadata of all versions but one. A file that it cannot
// remove does no harm, and the next write tries again.
func (s *openDir) dropMeta(key string, keep rotatelog.Version) {
	dir := path.Dir(sidecarName(key, keep))
	names, _ := s.fs.ReadDir(dir)
	for _, name := range names {
		if name != string(keep)+".json" {
			s.root.Remove(path.Join(dir, name))
		}
	}
}
