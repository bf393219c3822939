# Runs the EM of R's mclust whenever told to. Rscript mclust.R folder N D K model iterations
# folder holds x.bin (D, N) and start.bin: weights (K), means (K, D), covariances (K, D, D); doubles, the last axis fastest.
# For each line on its input it does the rounds, writes where they ended to result.bin, laid out as start.bin, and prints a line.
suppressPackageStartupMessages(library(mclust))
arguments <- commandArgs(TRUE)
folder <- arguments[1]; model <- arguments[5]
N <- as.integer(arguments[2]); D <- as.integer(arguments[3]); K <- as.integer(arguments[4]); n <- as.integer(arguments[6])
x <- matrix(readBin(file.path(folder, "x.bin"), "double", N * D), N, D)
start <- readBin(file.path(folder, "start.bin"), "double", K + K * D + K * D * D)
sigma <- array(start[-seq_len(K + K * D)], c(D, D, K))
variance <- list(modelName = model, d = D, G = K, sigma = sigma)
if (model == "VVV") variance$cholsigma <- array(apply(sigma, 3, chol), c(D, D, K))
if (model == "EEE") variance <- c(variance, list(Sigma = sigma[, , 1], cholSigma = chol(sigma[, , 1])))
if (model == "VVI") {
  variance$scale <- apply(sigma, 3, function(s) prod(diag(s))^(1 / D))
  variance$shape <- sapply(seq_len(K), function(k) diag(sigma[, , k]) / variance$scale[k])
}
if (model == "VII") variance$sigmasq <- sigma[1, 1, ]
parameters <- list(pro = start[seq_len(K)], mean = matrix(start[K + seq_len(K * D)], D, K), variance = variance)
control <- emControl(tol = c(0, 0), itmax = c(n, n))
cat("ready\n")
input <- file("stdin", "r")
while (length(readLines(input, 1)) == 1) {
  fit <- em(x, model, parameters, control = control, warn = FALSE)$parameters
  writeBin(c(fit$pro, fit$mean, fit$variance$sigma), file.path(folder, "result.bin"))
  cat("done\n")
}
