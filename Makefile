# libwsm
#
#   make run        install what is missing, build, start a server and print its URL
#   make check      install what is missing, build everything, run every test; ends with "N passed, M failed"
#
#   make all        libraries and programs (the default), into build/lib and build/bin
#   make check-tsan         what has threads, under ThreadSanitizer
#   make check-long         what takes time, for SECONDS=60: seeds of the simulator that belong to this commit, kills, power
#                           losses, damaged databases, ThreadSanitizer under load, streams cut in every two places; and
#                           some minutes more for valgrind
#   make check-mutants      plant bugs, one at a time: the simulator must find each, from seed 1 on
#   make check-determinism  the same seeds give the same traces in builds of every kind, one of clang's too
#   make fuzz       fuzz with clang's libFuzzer: SECONDS=60 shared out among all, or TARGET="utf8 jwt"; what it finds goes
#                   into the corpus. Building and merging come on top
#   make coverage   lines and branches of the parsers that the fuzz corpus alone runs, with their targets, and those of all
#                   of lib/ that the tests run: some minutes of processor time
#   make bench      measure, and compare with the targets
#   make lint       formatting, gcc and clang with warnings as errors, the include table
#   make analyze    clang-tidy (bugprone, cert) and gcc's -fanalyzer over library and examples
#   make format     let clang-format write
#   make man        write man/*.3 anew from the headers, wsm-protocol(7) from the message table
#   make deps       install what is missing (Debian), to build and to test
#   make install    to PREFIX; make uninstall takes it away
#   make clean      remove what was built
#   make help       this text
#
#   PREFIX=/usr/local DESTDIR=   where `make install` goes
#   BUILD=build                  where everything is built; may lie outside the tree
#   CC, CFLAGS, LDFLAGS          as usual; our own flags are added, not replaced
#   SANITIZE=1                   AddressSanitizer and UBSan (built in build-san)
#   WERROR=1                     warnings are errors
#   FUZZ_CC=clang                compiles for `make fuzz` (built in build-fuzz)
#   STAGES="unit integration"    run only these stages of the check

PREFIX  ?= /usr/local
DESTDIR ?=
CFLAGS  ?= -O2 -g
STAGES  ?=
PYTHON  := /usr/bin/python3
VERSION := $(shell sed -n 's/^\#define WSM_VERSION  *"\(.*\)"/\1/p' include/wsm/version.h)
SONAME  := 0

ifeq ($(SANITIZE),1)
BUILD    ?= build-san
SANFLAGS := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
else ifeq ($(SANITIZE),thread)
BUILD    ?= build-tsan
SANFLAGS := -fsanitize=thread -fno-omit-frame-pointer
else
BUILD    ?= build
NO_UNDEFINED := -Wl,--no-undefined
endif

WARN      := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes
ifeq ($(WERROR),1)
WARN      += -Werror
endif
CPPFLAGS  += -Iinclude
COREFLAGS := -iquote lib -fvisibility=hidden
ALLFLAGS   = -std=c11 $(WARN) $(CPPFLAGS) $(CFLAGS) $(SANFLAGS) -fPIC -pthread -MMD -MP
LINK       = $(CC) $(CFLAGS) $(SANFLAGS) $(LDFLAGS) -pthread

CORE_LIBS   := -lwslay -lcjson -lmbedcrypto
UV_LIBS     := -luv -lmbedtls -lmbedx509 -lmbedcrypto
SQLITE_LIBS := -lsqlite3
ALL_LIBS    := $(CORE_LIBS) $(UV_LIBS) $(SQLITE_LIBS)

.DELETE_ON_ERROR:
.PHONY: all libs programs tests check check-tsan threaded check-long check-mutants check-determinism run bench fuzz fuzzers coverage install uninstall deps deps-run deps-check deps-fuzz lint analyze format man clean help

# ---- what is built ----------------------------------------------------------------------------------------------------

CORE_SRC    := $(sort $(wildcard lib/*.c) \
                 $(foreach d,util proto wire auth memory sidebar route conn hub client,$(wildcard lib/$(d)/*.c)))
UV_SRC      := $(sort $(wildcard lib/adapters/uv/*.c))
SQLITE_SRC  := $(sort $(wildcard lib/adapters/sqlite/*.c))
SIM_SRC     := $(sort $(wildcard lib/adapters/sim/*.c))
WSM_SIM_SRC := $(sort $(wildcard examples/wsm-sim/*.c))
WSMD_SRC    := $(sort $(wildcard examples/wsmd/*.c))
WSMCAT_SRC  := $(sort $(wildcard examples/wsmcat/*.c)) examples/args.c
ECHO_SRC    := examples/echo.c examples/args.c
FAULT_PARTS := $(filter-out tests/fault/test_%.c,$(sort $(wildcard tests/fault/*.c)))
SUPPORT_SRC := $(sort $(wildcard tests/support/*.c))
TEST_SRC    := $(sort $(wildcard tests/unit/test_*.c) $(wildcard tests/integration/test_*.c))
# Sanitizers interpose the allocator already.
FAULT_SRC   := $(if $(SANITIZE),,$(sort $(wildcard tests/fault/test_*.c)))
FUZZ_SRC    := $(sort $(wildcard tests/fuzz/fuzz_*.c))
FUZZ_DRIVE  := $(addprefix tests/fuzz/,driver.c splits.c rewind.c)
FUZZ_HELP   := $(sort $(filter-out $(FUZZ_SRC) $(FUZZ_DRIVE),$(wildcard tests/fuzz/*.c)))
DRIVER_SRC  := $(sort $(wildcard tests/acceptance/*.c))
TOOL_SRC    := $(sort $(wildcard tools/*.c))

obj = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))

CORE_A    := $(BUILD)/lib/libwsm.a
CORE_SO   := $(BUILD)/lib/libwsm.so.$(SONAME)
UV_A      := $(BUILD)/lib/libwsm-uv.a
UV_SO     := $(BUILD)/lib/libwsm-uv.so.$(SONAME)
SQLITE_A  := $(BUILD)/lib/libwsm-sqlite.a
SQLITE_SO := $(BUILD)/lib/libwsm-sqlite.so.$(SONAME)
SIM_A     := $(BUILD)/lib/libwsm-sim.a
SIM_SO    := $(BUILD)/lib/libwsm-sim.so.$(SONAME)
LIBS      := $(CORE_A) $(CORE_SO) $(UV_A) $(UV_SO) $(SQLITE_A) $(SQLITE_SO) \
             $(SIM_A) $(SIM_SO)
PROGRAMS  := $(addprefix $(BUILD)/bin/,wsmd wsmcat echo embed wsm-sim sim_reconnect)
TESTS     := $(patsubst %.c,$(BUILD)/%,$(TEST_SRC))
FAULTS    := $(patsubst %.c,$(BUILD)/%,$(FAULT_SRC))
DRIVERS   := $(patsubst %.c,$(BUILD)/%,$(DRIVER_SRC))
TOOLS     := $(patsubst %.c,$(BUILD)/%,$(TOOL_SRC))
HUNTERS   := $(addprefix $(BUILD)/tests/sim/,hunt traces) $(patsubst %.c,$(BUILD)/%,$(sort $(wildcard tests/sim/case_*.c tests/sim/open_*.c)))
FUZZ      := $(patsubst %.c,$(BUILD)/%,$(FUZZ_SRC))
BENCHES   := $(addprefix $(BUILD)/tests/bench/,limit server drain idle inbound sidebars mention)

all: libs programs
libs: $(LIBS)
programs: $(PROGRAMS)
threaded: $(addprefix $(BUILD)/,bin/wsmd tests/acceptance/torture tests/integration/test_threads tests/unit/test_sqlite_worker)
tests: $(TESTS) $(FAULTS) $(DRIVERS) $(TOOLS) $(HUNTERS) $(BENCHES) $(FUZZ)

# ---- how --------------------------------------------------------------------------------------------------------------

# The core sees lib/ and hides what is not WSM_API; adapters hide too, but see the public headers only, as do programs,
# integration tests and benches. Unit tests and tools look inside. lib/ is on the path of "quotes" only: it has a limits.h.
compile = @mkdir -p $(@D)$(newline)$(CC) $(ALLFLAGS) $(1) -c -o $@ $<
define newline


endef

$(BUILD)/obj/lib/adapters/%.o: lib/adapters/%.c
	$(call compile,-fvisibility=hidden)
$(BUILD)/obj/lib/%.o: lib/%.c
	$(call compile,$(COREFLAGS))
$(BUILD)/obj/examples/%.o: examples/%.c
	$(call compile,-I$(BUILD)/gen)
$(BUILD)/obj/tests/unit/%.o: tests/unit/%.c
	$(call compile,-iquote lib -Itests/support)
$(BUILD)/obj/tests/fuzz/%.o: tests/fuzz/%.c
	$(call compile,-D_GNU_SOURCE -iquote lib -Itests/support -Itests/unit)
$(BUILD)/obj/tests/bench/mention.o: tests/bench/mention.c
	$(call compile,-iquote lib)
$(BUILD)/obj/tests/sim/hunt.o: tests/sim/hunt.c
	$(call compile,-iquote lib)
$(BUILD)/obj/tests/%.o: tests/%.c
	$(call compile,-Itests/support)
$(BUILD)/obj/tools/%.o: tools/%.c
	$(call compile,-iquote lib)

# wsmd carries its page as an array of bytes. The page is put together from the files that it names.
PAGE_SRC := $(wildcard examples/wsmd/page/*)
$(BUILD)/obj/examples/wsmd/http_info.o: $(BUILD)/gen/page.inc
$(BUILD)/gen/page.html: examples/wsmd/page/page.html $(PAGE_SRC)
	@mkdir -p $(@D)
	awk '/^@FILE / { while ((got = getline line < ("$(<D)/" $$2)) > 0) print line; if (got < 0) exit 1; next } { print }' $< > $@
$(BUILD)/gen/page.inc: $(BUILD)/gen/page.html
	od -An -v -tu1 $< | sed 's/[0-9][0-9]*/&,/g' > $@

$(CORE_A): $(call obj,$(CORE_SRC))
$(UV_A): $(call obj,$(UV_SRC))
$(SQLITE_A): $(call obj,$(SQLITE_SRC))
$(SIM_A): $(call obj,$(SIM_SRC))
# q, not r: files of different folders may have the same name.
%.a:
	@mkdir -p $(@D)
	@rm -f $@
	$(AR) qcs $@ $^

# The plain name of a shared object is a link to the one that carries the SONAME.
define shared
	@mkdir -p $(@D)
	$(LINK) -shared -Wl,-soname,$(@F) -Wl,--version-script=$(filter %.map,$^) $(NO_UNDEFINED) -o $@ $(filter %.o,$^) $(1)
	ln -sf $(@F) $(@:.$(SONAME)=)
endef

$(CORE_SO): $(call obj,$(CORE_SRC)) lib/wsm.map
	$(call shared,$(CORE_LIBS))
$(UV_SO): $(call obj,$(UV_SRC)) lib/adapters/uv/wsm-uv.map $(CORE_SO)
	$(call shared,-L$(BUILD)/lib -lwsm $(UV_LIBS))
$(SQLITE_SO): $(call obj,$(SQLITE_SRC)) lib/adapters/sqlite/wsm-sqlite.map $(CORE_SO)
	$(call shared,-L$(BUILD)/lib -lwsm $(SQLITE_LIBS))

$(SIM_SO): $(call obj,$(SIM_SRC)) lib/adapters/sim/wsm-sim.map $(CORE_SO)
	$(call shared,-L$(BUILD)/lib -lwsm)

# Programs and tests link the static libraries, so that they run from the build folder as they are.
define program
	@mkdir -p $(@D)
	$(LINK) -o $@ $^ $(1)
endef

$(BUILD)/bin/wsmd: $(call obj,$(WSMD_SRC)) $(UV_A) $(SQLITE_A) $(CORE_A)
	$(call program,$(ALL_LIBS))
$(BUILD)/bin/wsmcat: $(call obj,$(WSMCAT_SRC)) $(UV_A) $(CORE_A)
$(BUILD)/bin/echo: $(call obj,$(ECHO_SRC)) $(UV_A) $(CORE_A)
$(BUILD)/bin/wsmcat $(BUILD)/bin/echo:
	$(call program,$(CORE_LIBS) $(UV_LIBS))
$(BUILD)/bin/wsm-sim: $(call obj,$(WSM_SIM_SRC)) $(SIM_A) $(CORE_A)
	$(call program,$(CORE_LIBS))
$(BUILD)/bin/sim_reconnect: $(BUILD)/obj/examples/sim_reconnect.o $(SIM_A) $(CORE_A)
	$(call program,$(CORE_LIBS))
$(BUILD)/bin/embed: $(BUILD)/obj/examples/embed.o $(CORE_A)
	$(call program,$(CORE_LIBS))
$(TESTS): $(BUILD)/%: $(BUILD)/obj/%.o $(call obj,$(SUPPORT_SRC)) $(SIM_A) $(UV_A) $(SQLITE_A) $(CORE_A)
	$(call program,-lcmocka $(ALL_LIBS))
$(FAULTS): $(BUILD)/%: $(BUILD)/obj/%.o $(call obj,$(FAULT_PARTS) $(SUPPORT_SRC)) $(SIM_A) $(UV_A) $(SQLITE_A) $(CORE_A)
	$(call program,-lcmocka $(ALL_LIBS))
$(DRIVERS): $(BUILD)/%: $(BUILD)/obj/%.o $(call obj,$(SUPPORT_SRC)) $(SIM_A) $(UV_A) $(SQLITE_A) $(CORE_A)
	$(call program,$(ALL_LIBS))
$(TOOLS): $(BUILD)/%: $(BUILD)/obj/%.o $(CORE_A)
	$(call program,$(CORE_LIBS))
$(HUNTERS): $(BUILD)/%: $(BUILD)/obj/%.o $(SIM_A) $(CORE_A)
	$(call program,$(CORE_LIBS))

# A fuzz target runs its corpus with a driver of our own, or is driven by libFuzzer (see `make fuzz`).
FUZZ_MAIN = $(call obj,$(FUZZ_DRIVE))
FUZZ_WSMD := $(call obj,$(addprefix examples/wsmd/,config.c keys.c options.c))
$(FUZZ): $(BUILD)/%: $(BUILD)/obj/%.o $(FUZZ_MAIN) $(call obj,$(FUZZ_HELP) $(SUPPORT_SRC)) $(FUZZ_WSMD) \
         $(SIM_A) $(SQLITE_A) $(CORE_A)
	$(call program,$(FUZZ_LINK) $(CORE_LIBS) $(SQLITE_LIBS) -lm)
$(BENCHES): $(BUILD)/%: $(BUILD)/obj/%.o $(BUILD)/obj/tests/bench/common.o $(UV_A) $(CORE_A)
	$(call program,$(CORE_LIBS) $(UV_LIBS))

-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)

# ---- run, check, bench ------------------------------------------------------------------------------------------------

# Recipes that install first and build then call make again: so nothing is compiled before its headers are there. They
# use all processors unless told otherwise.
SUBMAKE = $(MAKE) --no-print-directory $(if $(filter -j%,$(MAKEFLAGS)),,-j$(shell nproc))

# What the tests in Node need, as the lock file says.
NODE_LOCK := $(wildcard tests/interop/package-lock.json)
NODE_DONE := $(NODE_LOCK:package-lock.json=node_modules/.package-lock.json)
$(NODE_DONE): $(NODE_LOCK)
	cd tests/interop && npm ci --no-audit --no-fund --loglevel=error && touch node_modules/.package-lock.json || \
	    echo "npm ci failed: the tests in Node will fail too"

run: deps-run
	@$(SUBMAKE) programs
	$(BUILD)/bin/wsmd --data wsmd-data --banner

check: deps-check
	@$(SUBMAKE) all tests $(NODE_DONE)
	@$(SIM_SANITISED)
	@$(if $(call has_stage,tsan),$(BUILD_TSAN),:)
	@$(PYTHON) scripts/check.py --build $(BUILD) $(STAGES)

# The check goes through seeds of the simulator twice, the second time with the sanitizers; check-long goes through seeds
# that belong to the commit, for as long as it is told.
SIM_SANITISED = $(if $(filter 1,$(SANITIZE)),:,$(if $(or $(filter sim,$(STAGES)),$(if $(STAGES),,all)),$(BUILD_SAN),:))
BUILD_SAN     = $(SUBMAKE) SANITIZE=1 BUILD=$(BUILD)-san $(BUILD)-san/bin/wsm-sim
# Whether the check has the stage $(1), in a build without sanitizers.
has_stage     = $(if $(SANITIZE),,$(if $(STAGES),$(filter $(1),$(STAGES)),$(1)))
BUILD_TSAN    = $(SUBMAKE) SANITIZE=thread BUILD=$(BUILD)-tsan threaded
check-tsan:
	@$(MAKE) --no-print-directory check STAGES=tsan
check-long: deps-check
	@$(SUBMAKE) all tests
	@$(BUILD_SAN)
	@$(BUILD_TSAN)
	@$(PYTHON) scripts/long.py --build $(BUILD) --seconds $(SECONDS)

# Planted bugs, one at a time: the simulator finds each. Then the same seeds in builds of every kind. The check does both,
# but begins with the runs that showed the bugs last.
check-mutants: deps-check
	@$(PYTHON) tests/sim/mutants.py --build $(BUILD)
check-determinism: deps-check
	@$(PYTHON) tests/sim/determinism.py --build $(BUILD) --clang

# libFuzzer brings its own main; everything is compiled anew, with its counters and the sanitizers in it.
SECONDS ?= 60
TARGET  ?=
FUZZ_CC ?= clang
FUZZ_SAN = -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
fuzzers: $(FUZZ)
fuzz: deps-fuzz
	@$(SUBMAKE) BUILD=build-fuzz CC="$(FUZZ_CC)" CFLAGS="-O1 -g" SANFLAGS="$(FUZZ_SAN)" FUZZ_MAIN= \
	    FUZZ_LINK=-fsanitize=fuzzer fuzzers
	@$(PYTHON) scripts/fuzz.py --build build-fuzz --seconds $(SECONDS) $(TARGET)

# Without optimisation, or one line would stand for several.
coverage: deps-check
	@$(SUBMAKE) BUILD=build-cov CC="$(COV_CC)" CFLAGS="-O0 -g --coverage" tests
	@$(PYTHON) scripts/coverage.py --build build-cov --expect
COV_CC ?= gcc

bench: deps-check
	@$(SUBMAKE) all $(BENCHES)
	@$(PYTHON) tests/bench/bench.py --build $(BUILD)

deps: deps-check
deps-run deps-check deps-fuzz: deps-%:
	@scripts/deps.sh $*

# ---- lint, format, man ------------------------------------------------------------------------------------------------

C_FILES = $(shell find include lib examples tests tools -name node_modules -prune -o -name '*.[ch]' -print)

lint: deps-check
	clang-format --dry-run --Werror $(C_FILES)
	@$(SUBMAKE) BUILD=$(BUILD)/lint-gcc CC=gcc WERROR=1 all tests
	@$(SUBMAKE) BUILD=$(BUILD)/lint-clang CC=clang WERROR=1 all tests
	$(PYTHON) scripts/check_includes.py

analyze: deps-check $(BUILD)/gen/page.inc
	@$(PYTHON) scripts/analyze.py --build $(BUILD) $(ANALYZE)

format:
	clang-format -i $(C_FILES)

man: $(BUILD)/tools/protodoc
	$(PYTHON) scripts/manpages.py --write
	$(BUILD)/tools/protodoc --man > man/wsm-protocol.7

# ---- install ----------------------------------------------------------------------------------------------------------

LIBDIR     := $(DESTDIR)$(PREFIX)/lib
INCLUDEDIR := $(DESTDIR)$(PREFIX)/include/wsm
MANDIR     := $(DESTDIR)$(PREFIX)/share/man
BINDIR     := $(DESTDIR)$(PREFIX)/bin
HEADERS    := $(notdir $(wildcard include/wsm/*.h))
INSTALLED  := wsmd wsmcat wsm-sim
LIBNAMES   := libwsm libwsm-uv libwsm-sqlite libwsm-sim
PCS        := wsm wsm-uv wsm-sqlite wsm-sim
MANPAGES   := $(wildcard man/*.[0-9])

# A page of section 3 describes several functions: each name becomes a link to it.
man_names = $$(sed -n 's/^\.Nm \([a-z_0-9]*\).*/\1/p' $(1) | sort -u)

install: all
	install -d $(LIBDIR)/pkgconfig $(INCLUDEDIR) $(BINDIR) $(MANDIR)/man1 $(MANDIR)/man3 $(MANDIR)/man7
	install -m 644 $(addprefix include/wsm/,$(HEADERS)) $(INCLUDEDIR)
	install -m 755 $(addprefix $(BUILD)/bin/,$(INSTALLED)) $(BINDIR)
	set -e; for lib in $(LIBNAMES); do \
	    install -m 644 $(BUILD)/lib/$$lib.a $(LIBDIR); \
	    install -m 755 $(BUILD)/lib/$$lib.so.$(SONAME) $(LIBDIR)/$$lib.so.$(VERSION); \
	    ln -sf $$lib.so.$(VERSION) $(LIBDIR)/$$lib.so.$(SONAME); \
	    ln -sf $$lib.so.$(SONAME) $(LIBDIR)/$$lib.so; \
	done
	set -e; for pc in $(PCS); do \
	    sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@VERSION@|$(VERSION)|' pkgconfig/$$pc.pc.in > $(LIBDIR)/pkgconfig/$$pc.pc; \
	done
	set -e; for page in $(MANPAGES); do \
	    install -m 644 $$page $(MANDIR)/man$${page##*.}; \
	    for name in $(call man_names,$$page); do \
	        case $$page in */$$name.*|*.[!3]) ;; *) ln -sf $${page##*/} $(MANDIR)/man3/$$name.3 ;; esac; \
	    done; \
	done
	@if [ -z "$(DESTDIR)" ] && [ "$$(id -u)" = 0 ]; then ldconfig; fi

uninstall:
	rm -rf $(INCLUDEDIR)
	rm -f $(addprefix $(BINDIR)/,$(INSTALLED)) $(patsubst %,$(LIBDIR)/pkgconfig/%.pc,$(PCS))
	rm -f $(foreach lib,$(LIBNAMES),$(addprefix $(LIBDIR)/$(lib),.a .so .so.$(SONAME) .so.$(VERSION)))
	set -e; for page in $(MANPAGES); do \
	    rm -f $(MANDIR)/man$${page##*.}/$${page##*/}; \
	    for name in $(call man_names,$$page); do rm -f $(MANDIR)/man3/$$name.3; done; \
	done

clean:
	rm -rf $(sort build build-san build-tsan build-fuzz build-cov $(filter-out / . ..,$(BUILD)))

help:
	@sed -n '/^$$/q; s/^# \{0,1\}//p' Makefile
