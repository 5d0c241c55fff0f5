package storeurl

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"example.com/rotatelog/internal/settings"
)

// Keys are where the keys of stores are read.
type Keys struct {
	// Transport takes requests to buckets: the network, if it is nil.
	Transport http.RoundTripper

	live *settings.Live
}

// NewKeys returns the keys that are among the settings, now and later.
func NewKeys(s *settings.Settings) *Keys { return &Keys{live: s.Live()} }

// of returns the key of a profile. It is an error if there is none now.
func (k *Keys) of(profile string) (*provider, error) {
	p := &provider{live: k.live}
	if profile != "" {
		p.prefix = strings.ToUpper(profile) + "_"
	}
	_, err := p.read()
	return p, err
}

// provider is the key of one profile, as it is in the settings at each request.
type provider struct {
	live   *settings.Live
	prefix string // of the variables
}

// Retrieve implements [aws.CredentialsProvider]. It looks whether the settings file has
// changed.
func (p *provider) Retrieve(context.Context) (aws.Credentials, error) { return p.read() }

func (p *provider) read() (aws.Credentials, error) {
	var values [3]string
	var missing []string
	for i, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"} {
		v, _ := p.live.Env(p.prefix + name)
		if values[i] = v.Text; strings.TrimSpace(v.Text) != v.Text {
			return aws.Credentials{}, fmt.Errorf("%s has white space around it", v.Origin)
		}
		if v.Text == "" && i < 2 {
			missing = append(missing, p.prefix+name)
		}
	}
	if len(missing) > 0 {
		return aws.Credentials{}, fmt.Errorf("neither the environment nor a settings file sets %s: put the bucket's key there", strings.Join(missing, " and "))
	}
	return aws.Credentials{AccessKeyID: values[0], SecretAccessKey: values[1], SessionToken: values[2], Source: "rotatelog"}, nil
}

// repeatRefused repeats a request that was refused with 403, once, if the settings have
// another key by then. A refused request has had no effect, so that is safe for each.
func (p *provider) repeatRefused(stack *middleware.Stack) error {
	return stack.Finalize.Insert(middleware.FinalizeMiddlewareFunc("RepeatWithNewKey", func(
		ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler,
	) (middleware.FinalizeOutput, middleware.Metadata, error) {
		used, _ := p.read()
		out, metadata, err := next.HandleFinalize(ctx, in)
		if !isForbidden(err) || !p.renewed(used) {
			return out, metadata, err
		}
		req, ok := in.Request.(*smithyhttp.Request)
		if !ok || req.RewindStream() != nil {
			return out, metadata, err
		}
		return next.HandleFinalize(ctx, in)
	}), "ResolveAuthScheme", middleware.Before)
}

func isForbidden(err error) bool {
	resp, ok := errors.AsType[*smithyhttp.ResponseError](err)
	return ok && resp.HTTPStatusCode() == http.StatusForbidden
}

// renewed reports whether there is another key than the one that was used, after reading
// the file again.
func (p *provider) renewed(used aws.Credentials) bool {
	if p.live.Refresh() != nil {
		return false
	}
	key, err := p.read()
	return err == nil && key != used
}
