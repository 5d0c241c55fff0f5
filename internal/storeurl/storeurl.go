// Package storeurl opens the store that a URL names: file:///DIR, or
// s3://BUCKET[/FOLDER]?endpoint=URL&region=R&path-style=true&profile=NAME. The URL says
// all but the secret.
package storeurl

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"

	"example.com/rotatelog"
	"example.com/rotatelog/dirstore"
)

// Forms says what a URL looks like.
const Forms = "s3://BUCKET?endpoint=https://us-ord-1.linodeobjects.com or file:///DIR"

// Options are what a URL may leave to flags.
type Options struct {
	Endpoint, Region string
	PathStyle        string // "true", "false", or "" for the default
	Encrypt          bool
	EncryptionKey    string // the file with the key, "" for none
	InsecureHTTP     bool   // lets an endpoint beyond this machine be http
}

// A Place is where a store is. Nothing has been opened.
type Place struct {
	Dir string // of file:///DIR; "" for a bucket

	Bucket    string
	Prefix    string // FOLDER/, or ""
	Endpoint  string
	Region    string
	PathStyle bool
	Profile   string // whose keys these are: "" for AWS_ACCESS_KEY_ID, MIRROR for MIRROR_AWS_ACCESS_KEY_ID

	encrypt bool
	keyFile string
}

// MayHoldKey reports whether a setting may have a key before a host, so that it is not to be
// printed, whether or not it is a URL.
func MayHoldKey(text string) bool {
	_, after, found := strings.Cut(strings.ReplaceAll(text, "%40", "@"), ":")
	return found && strings.Contains(after, "@")
}

// Parse parses a URL. It touches neither disk nor network. Its errors contain no secret.
func Parse(text string, opts Options) (*Place, error) {
	if strings.Contains(text, "@") && !strings.HasPrefix(text, "file:///") { // not quoted: it may hold a secret
		return nil, errors.New("the URL must not contain a key; in a folder, write @ as %40")
	}
	u, err := url.Parse(text)
	if err != nil {
		return nil, withoutURL(err)
	}
	switch u.Scheme {
	case "s3":
		return parseS3(u, opts)
	case "file":
		return parseFile(u, opts)
	case "":
		return nil, fmt.Errorf("%q is not a URL: use %s", text, Forms)
	}
	return nil, fmt.Errorf("%q has an unknown scheme: use %s", text, Forms)
}

// withoutURL returns the error of url.Parse without the URL, which may hold a secret.
func withoutURL(err error) error {
	if escape, ok := errors.AsType[url.EscapeError](err); ok {
		return escape
	}
	return errors.New("it is not a URL")
}

func parseFile(u *url.URL, opts Options) (*Place, error) {
	switch {
	case u.Host != "" || !path.IsAbs(u.Path):
		return nil, fmt.Errorf("%s: the path must be absolute, with three slashes: file:///DIR", u)
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return nil, fmt.Errorf("%s: in a path, write ? as %%3F and # as %%23", u)
	case opts.Endpoint != "" || opts.Region != "" || opts.PathStyle != "" || opts.Encrypt || opts.EncryptionKey != "":
		return nil, fmt.Errorf("%s: --endpoint, --region, --path-style and encryption are for s3://BUCKET only", u)
	}
	return &Place{Dir: path.Clean(u.Path)}, nil
}

func parseS3(u *url.URL, opts Options) (*Place, error) {
	if u.Host == "" {
		return nil, errors.New("it names no bucket: s3://BUCKET[/FOLDER]")
	}
	if u.Fragment != "" {
		return nil, fmt.Errorf("%s: in a folder, write # as %%23", u)
	}
	query, err := queryOf(u)
	if err != nil {
		return nil, fmt.Errorf("s3://%s: %w", u.Host, err)
	}
	p := &Place{Bucket: u.Host, PathStyle: true, Profile: query["profile"], encrypt: opts.Encrypt, keyFile: opts.EncryptionKey}
	if folder := strings.Trim(u.Path, "/"); folder != "" {
		p.Prefix = folder + "/"
	}
	if p.Endpoint, err = either("endpoint", query["endpoint"], opts.Endpoint); err == nil {
		p.Region, err = either("region", query["region"], opts.Region)
	}
	style := ""
	if err == nil {
		style, err = either("path-style", query["path-style"], opts.PathStyle)
	}
	if err == nil && style != "" {
		if p.PathStyle, err = strconv.ParseBool(style); err != nil {
			err = fmt.Errorf("path-style=%s: use true or false", style)
		}
	}
	if err == nil {
		err = p.check(opts)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p, err)
	}
	p.Region = cmp.Or(p.Region, regionOf(p.Endpoint))
	return p, nil
}

// queryOf returns the parameters of the URL of a bucket, each once.
func queryOf(u *url.URL) (map[string]string, error) {
	names := []string{"endpoint", "region", "path-style", "profile"}
	values, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return nil, errors.New("what follows ? cannot be parsed: write & as %26 in a value")
	}
	query := map[string]string{}
	for name, v := range values {
		if !slices.Contains(names, name) {
			return nil, fmt.Errorf("unknown parameter %q: use %s", name, strings.Join(names, ", "))
		}
		if len(v) > 1 || v[0] == "" {
			return nil, fmt.Errorf("the parameter %s needs one value", name)
		}
		query[name] = v[0]
	}
	return query, nil
}

// either returns the value of the URL or that of the flag.
func either(name, inURL, flag string) (string, error) {
	if inURL != "" && flag != "" && inURL != flag {
		if MayHoldKey(inURL) || MayHoldKey(flag) {
			return "", fmt.Errorf("the %s must not contain a key", name)
		}
		return "", fmt.Errorf("the URL has %s=%s, and --%[1]s is %s: leave one out", name, inURL, flag)
	}
	return cmp.Or(inURL, flag), nil
}

// String returns the URL without its parameters.
func (p *Place) String() string {
	if p.Dir != "" {
		return (&url.URL{Scheme: "file", Path: p.Dir}).String()
	}
	return strings.TrimSuffix((&url.URL{Scheme: "s3", Host: p.Bucket, Path: "/" + p.Prefix}).String(), "/")
}

// Same reports whether q is the same directory or the same bucket, in whatever folder.
func (p *Place) Same(q *Place) bool {
	if p.Dir == "" || q.Dir == "" {
		return p.Dir == q.Dir && p.Bucket == q.Bucket && serverOf(p.Endpoint) == serverOf(q.Endpoint)
	}
	a, errA := os.Stat(p.Dir)
	b, errB := os.Stat(q.Dir)
	return p.Dir == q.Dir || errA == nil && errB == nil && os.SameFile(a, b)
}

// serverOf returns the host and the port of an endpoint.
func serverOf(endpoint string) string {
	u, err := url.Parse(endpoint)
	if err != nil {
		return endpoint
	}
	port := cmp.Or(u.Port(), map[string]string{"http": "80", "https": "443"}[u.Scheme])
	return net.JoinHostPort(strings.ToLower(u.Hostname()), port)
}

// Open opens the store. Of a bucket, the keys are asked for each request. A directory must
// be there: one that is not mounted is not taken for an empty one. An error of a directory
// says that it cannot be opened now; all others are errors of the settings.
func (p *Place) Open(keys *Keys) (rotatelog.Store, error) {
	if p.Dir == "" {
		return p.openS3(keys)
	}
	if _, err := os.Stat(p.Dir); err != nil {
		return nil, fmt.Errorf("the store cannot be opened: %w", p.noDir(err))
	}
	return dirstore.Open(p.Dir)
}

// noDir returns the error of a directory that cannot be looked at, with what to do. It does
// not match fs.ErrNotExist, which says that an object is missing.
func (p *Place) noDir(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no directory %s: mount it, or make it with mkdir", p.Dir)
	}
	return errors.New(err.Error())
}
