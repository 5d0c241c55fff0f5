package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/alecthomas/kong"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/storeurl"
)

// stream is a stream with its settings.
type stream struct {
	app  *app
	Name string
	streamFlags
}

// streams returns all streams that are named.
func (a *app) streams() ([]stream, error) {
	var all []stream
	for _, name := range a.settings.Streams() {
		s := stream{app: a, Name: name}
		if s.streamFlags = *a.ofAll; a.settings.HasOwn(name) {
			if err := a.resolve(&s.streamFlags, name); err != nil {
				return nil, err
			}
		}
		all = append(all, s)
	}
	return all, nil
}

// resolve fills in flags as they are for a stream: typed, or its settings.
func (a *app) resolve(flags any, stream string) error {
	parser, err := kong.New(flags, kong.NoDefaultHelp(), kong.Resolvers(a.resolver(stream)))
	if err != nil {
		return err
	}
	parsed, err := kong.Trace(parser, nil)
	if err == nil {
		err = apply(parsed)
	}
	if err != nil {
		return usagef("%s", a.withOrigin(stream, err.Error()))
	}
	return nil
}

// stream returns the one stream of a command that writes, or that prints what only one
// can have.
func (a *app) stream() (stream, error) {
	all, err := a.streams()
	switch {
	case err != nil:
		return stream{}, err
	case len(all) > 1:
		return stream{}, usagef("there are several streams: say which with --name: %s", strings.Join(a.settings.Streams(), ", "))
	}
	return all[0], nil
}

// place returns where the store of the stream is.
func (s *stream) place() (*storeurl.Place, error) { return s.placeOf("store", s.Store) }

// shown returns the store of the stream, for people.
func (s *stream) shown() string {
	p, err := s.place()
	if err != nil {
		return s.Store
	}
	return p.String()
}

// storeNoun returns what the store of the stream is.
func (s *stream) storeNoun() string {
	if strings.HasPrefix(s.Store, "s3:") {
		return "bucket"
	}
	return "store"
}

// placeOf returns where the store of a URL is, which is the value of the flag.
func (s *stream) placeOf(flag, url string) (*storeurl.Place, error) {
	opts := storeurl.Options{Encrypt: s.Encrypt, EncryptionKey: s.EncryptionKeyFile, InsecureHTTP: s.InsecureHTTP}
	if flag == "store" {
		opts.Endpoint, opts.Region = s.Endpoint, s.Region
		if s.PathStyle != nil {
			opts.PathStyle = fmt.Sprint(*s.PathStyle)
		}
	} else if strings.HasPrefix(url, "file:") {
		opts = storeurl.Options{}
	}
	if url == "" {
		return nil, usageError(&incomplete{fmt.Errorf("--%s is not set: say where, as %s", flag, storeurl.Forms)})
	}
	p, err := storeurl.Parse(url, opts)
	if err != nil {
		return nil, usagef("%s: %w", s.origin(flag), err)
	}
	return p, nil
}

// origin returns the flag, or the variable that sets it.
func (s *stream) origin(flag string) string {
	if v, ok := s.app.settings.Lookup(flag, s.Name); ok {
		return v.Origin.String()
	}
	return "--" + flag
}

// archive opens the archive of the stream in its store.
func (s *stream) archive() (rotatelog.Archive, error) {
	p, err := s.place()
	if err != nil {
		return rotatelog.Archive{}, err
	}
	return s.archiveAt(p)
}

// archiveAt opens the archive of the stream at a place.
func (s *stream) archiveAt(p *storeurl.Place) (rotatelog.Archive, error) {
	store, err := p.Open(s.app.keys)
	if err != nil {
		if p.Dir == "" {
			err = usageError(&incomplete{err})
		}
		return rotatelog.Archive{}, err
	}
	return rotatelog.Archive{
		Store: store, Name: s.Name, Prefix: cmp.Or(s.Prefix, p.Prefix),
		ReadOptions: rotatelog.ReadOptions{Clock: s.app.env.Clock, Location: s.app.zone},
	}, nil
}

// keyAt returns the key of a day at a place.
func (s *stream) keyAt(p *storeurl.Place, day rotatelog.Day) string {
	return rotatelog.Archive{Name: s.Name, Prefix: cmp.Or(s.Prefix, p.Prefix)}.Key(day, rotatelog.Uncompressed)
}

// errNoDir is the error of a command that needs --dir.
func errNoDir() error {
	return usageError(&incomplete{errors.New("--dir is not set: name the directory of the local file and the spool, such as /var/lib/rotatelog")})
}

// config returns the Config of a Writer, or of maintenance, of the stream in an archive.
func (s *stream) config(a rotatelog.Archive) (rotatelog.Config, error) {
	if s.Dir == "" {
		return rotatelog.Config{}, errNoDir()
	}
	count, err := s.countFunc()
	return rotatelog.Config{
		Dir: s.Dir, Name: s.Name, Prefix: a.Prefix, Store: a.Store, Location: s.app.zone, Clock: s.app.env.Clock, Count: count,
	}, err
}

// spool opens the spool of the stream, to hold days of the archive against. It returns nil
// if there is none.
func (s *stream) spool(a rotatelog.Archive) (*rotatelog.SpoolReader, error) {
	if s.Dir == "" {
		return nil, nil
	}
	cfg, err := s.config(a)
	if err != nil {
		return nil, err
	}
	r, err := rotatelog.OpenSpoolReader(cfg)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return r, err
}

// spoolError returns the error of a spool that cannot be opened.
func (s *stream) spoolError(err error) error {
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if _, err := os.Stat(s.Dir); err != nil {
		return fmt.Errorf("there is no directory %s (%s)", s.Dir, s.origin("dir"))
	}
	return fmt.Errorf("nothing was appended to %s in %s yet", s.Name, s.Dir)
}

// countFunc returns what counts the matches of a fetch; nil if no setting says that.
func (s *stream) countFunc() (rotatelog.CountFunc, error) {
	if s.Count == "" {
		return nil, nil
	}
	f, err := countAt(s.Count)
	if err != nil {
		return nil, usagef("%s: %w", s.origin("count"), err)
	}
	return f, nil
}

// hasSpool reports whether the stream has a spool in its directory.
func (s *stream) hasSpool() bool {
	_, err := os.Stat(s.spoolDir())
	return err == nil
}

// localFile returns the path of the file with the batch being filled.
func (s *stream) localFile() string { return filepath.Join(s.Dir, s.Name+".json") }

// spoolDir returns the path of the spool.
func (s *stream) spoolDir() string { return filepath.Join(s.Dir, s.Name+".spool") }

// pendingDir returns the path of the directory with the batches that wait.
func (s *stream) pendingDir() string { return filepath.Join(s.spoolDir(), "pending") }
