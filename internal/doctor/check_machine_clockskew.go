package doctor

import (
	"context"
	"crypto/x509"
	"errors"
	"time"
)

func clockSkewCheck() Check {
	return Check{
		ID: "machine.clock-skew", Group: MachineGroup, Online: true, Weight: 7,
		Title:  "the difference between this clock and a server's",
		Why:    "with a wrong clock certificates are not yet, or no longer, valid",
		Source: "the Date header of the module proxy's answer (RFC 9110)",
		Run:    runClockSkew,
	}
}

func runClockSkew(ctx context.Context, m *Machine) Result {
	url := m.timeServer()
	if url == "" {
		return skip("GOPROXY has no server to ask")
	}
	before := m.Now()
	response, err := m.get(ctx, url, 0)
	// A clock that is wrong by more than a certificate's life ends the connection
	// before there is any date to compare.
	if invalid := (x509.CertificateInvalidError{}); errors.As(err, &invalid) && invalid.Reason == x509.Expired {
		r := fail("by this clock, the server's certificate is not valid").
			at("here", 0, "%s", before.UTC().Format(time.RFC3339)).
			at(m.Redact(url), 0, "valid from %s until %s", day(invalid.Cert.NotBefore), day(invalid.Cert.NotAfter)).
			means("Either the clock is wrong, or the certificate has expired.")
		return r.harden(ctx, m, "time-sync", setNTP)
	}
	if err != nil {
		return skip("the server does not answer: %s", m.netError(err)).because(networkCauses(err)...)
	}
	date, err := time.Parse(time.RFC1123, response.date)
	if err != nil {
		return skip("the answer has no date")
	}
	// The header has whole seconds, and the answer took its time.
	skew := before.Add(m.Now().Sub(before) / 2).Sub(date)
	if skew < 0 {
		skew = -skew
	}
	r := ok("the clock is right to within %v", max(skew.Round(time.Second), time.Second))
	switch {
	case skew > time.Hour:
		r = fail("the clock is wrong by %v", skew.Round(time.Second))
	case skew > time.Minute:
		r = warn("the clock is wrong by %v", skew.Round(time.Second))
	default:
		return r
	}
	return r.at("here", 0, "%s", before.UTC().Format(time.RFC3339)).at(m.Redact(url), 0, "%s", date.UTC().Format(time.RFC3339)).
		harden(ctx, m, "time-sync", setNTP)
}

const setNTP = "sudo timedatectl set-ntp true"

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }
