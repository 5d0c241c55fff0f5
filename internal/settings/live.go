package settings

import (
	"maps"
	"sync"
)

// Live are the variables of Settings, of which those of the file are read again when it
// changes. It is safe for concurrent use.
type Live struct {
	environ map[string]string

	mu   sync.Mutex // guards what follows
	file *File      // nil if there never was one
	err  error      // of the last attempt to read it again
}

// Live returns the variables as they are from now on. One that has the same value in the
// environment and in the file is taken to come from the file, as with systemd's
// EnvironmentFile: a new key in the file would otherwise not count until a restart.
func (s *Settings) Live() *Live {
	environ := maps.Clone(s.environ)
	maps.DeleteFunc(environ, func(name, value string) bool {
		line, ok := s.file.lookup(name)
		return ok && line.value == value
	})
	return &Live{environ: environ, file: s.file}
}

// Env returns the value of a variable, in the environment, else in the file as it is now.
// A file that is being edited and cannot be read keeps the values that it had.
func (l *Live) Env(name string) (Value, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file != nil && l.file.changed() {
		l.read()
	}
	return l.current().Env(name)
}

// Refresh reads the file again, even if it does not seem to have changed. An error says
// why it cannot be read, now or when it last changed.
func (l *Live) Refresh() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file != nil {
		l.read()
	}
	return l.err
}

// read reads the file. The caller holds mu.
func (l *Live) read() {
	f, err := ReadFile(l.file.Path)
	if l.err = err; err == nil {
		l.file = f
	}
}

func (l *Live) current() *Settings { return &Settings{environ: l.environ, file: l.file} }
