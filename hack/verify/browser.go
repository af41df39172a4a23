package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
)

// browserVariable tells the tests of the report's page which browser to take; "none" leaves them out.
const browserVariable = "BROWSER"

// findBrowser looks for a browser, and installs one where that is possible. Where none can be had the tests that need it are
// left out, which is said: nobody is to believe that they passed.
func (c *checks) findBrowser(ctx context.Context, out io.Writer) error {
	c.browser = os.Getenv(browserVariable)
	switch c.browser {
	case "none":
		return notRunError{browserVariable + "=none leaves its tests out"}
	case "":
	default:
		return nil
	}
	for _, program := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"} {
		if _, err := exec.LookPath(program); err == nil {
			c.browser = program
			return nil
		}
	}
	if err := ensure(ctx, out, "chromium", "chromium"); err != nil {
		c.browser = "none"
		return notRunError{fmt.Sprintf("its tests are left out: %v", err)}
	}
	c.browser = "chromium"
	return nil
}
