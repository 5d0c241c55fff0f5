package storeurl

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"example.com/rotatelog"
	"example.com/rotatelog/s3store"
)

// check refuses what cannot work, or would give the key away.
func (p *Place) check(opts Options) error {
	if p.Endpoint == "" {
		return errors.New("it does not say at which server: append ?endpoint=https://us-ord-1.linodeobjects.com" +
			" (there is no default, not even Amazon's)")
	}
	u, err := url.Parse(p.Endpoint)
	if err != nil || u.Host == "" {
		return errors.New("the endpoint is not a URL such as https://us-ord-1.linodeobjects.com")
	}
	if u.User != nil {
		return errors.New("the endpoint must not contain a key")
	}
	if u.Scheme == "http" && !isLoopback(u.Hostname()) && !opts.InsecureHTTP {
		return fmt.Errorf("the endpoint %s would send all fetches in the clear: use https, or --insecure-http", p.Endpoint)
	}
	if opts.Encrypt && opts.EncryptionKey != "" {
		return errors.New("--encrypt and --encryption-key-file are two ways to encrypt: leave one out")
	}
	return nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// regionOf returns the region to sign for where none is named.
func regionOf(endpoint string) string {
	if u, err := url.Parse(endpoint); err == nil {
		region, ok := strings.CutSuffix(strings.ToLower(u.Hostname()), ".linodeobjects.com")
		if ok && !strings.Contains(region, ".") {
			return region
		}
	}
	return "us-east-1"
}

func (p *Place) openS3(keys *Keys) (rotatelog.Store, error) {
	opts := s3store.Options{Encrypt: p.encrypt}
	var err error
	if p.keyFile != "" {
		if opts.EncryptionKey, err = readKeyFile(p.keyFile); err != nil {
			return nil, err
		}
	}
	provider, err := keys.of(p.Profile)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p, err)
	}
	client := s3store.NewClient(p.Endpoint, p.Region, provider)
	client = s3.New(client.Options(), func(o *s3.Options) {
		o.UsePathStyle = p.PathStyle
		o.HTTPSignerV4, o.AuthSchemes = new(signer), nil // the schemes are made of the signer
		o.APIOptions = append(o.APIOptions, provider.repeatRefused)
		if keys.Transport != nil {
			o.HTTPClient = &http.Client{Transport: keys.Transport}
		}
	})
	store, err := s3store.New(client, p.Bucket, opts)
	if err != nil {
		return nil, fmt.Errorf("%s: %s", p, strings.TrimPrefix(err.Error(), "s3store: "+rotatelog.ErrPermanent.Error()+": "))
	}
	return store, nil
}

// readKeyFile reads a key of 32 bytes, as they are or in base64.
func readKeyFile(name string) ([]byte, error) {
	info, err := os.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("--encryption-key-file: %w; to make one: (umask 077; head -c 32 /dev/urandom | base64 >%s)", err, name)
	case err != nil:
		return nil, fmt.Errorf("--encryption-key-file: %w", err)
	case info.Mode().Perm()&0o077 != 0:
		return nil, fmt.Errorf("--encryption-key-file: others can read %s (mode %04o): chmod 600 %[1]s", name, info.Mode().Perm())
	case info.Size() > 1024:
		return nil, fmt.Errorf("--encryption-key-file: %s is too large to be a key of 32 bytes", name)
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("--encryption-key-file: %w", err)
	}
	if len(text) == 32 {
		return text, nil
	}
	key, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(key) != 32 {
		return nil, fmt.Errorf("--encryption-key-file: %s must hold 32 bytes, as they are or in base64", name)
	}
	return key, nil
}
